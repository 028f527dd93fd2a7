/** What Services tell of the pods of a fence. */
import type { Labels } from "@fenceline/api";
import type { Mesh } from "../mesh.ts";

/** Labels that pods have because a Service selects by more labels than a fence does. */
export function labelsBesides(mesh: Mesh, namespace: string, labels: Labels): Labels[] {
  const own = Object.entries(labels);
  return mesh.registry.servicesIn(namespace).flatMap(({ spec: { selector = {} } }) => {
    const names = Object.keys(selector).length;
    return names > own.length && own.every(([key, value]) => selector[key] === value) ? [selector] : [];
  });
}

/** Whether a Service that may be for pods with these labels has a ready endpoint. */
export function isServed(mesh: Mesh, namespace: string, labels: Labels): boolean {
  const { registry } = mesh;
  return registry.servicesIn(namespace).some((service) => {
    const selector = Object.entries(service.spec.selector ?? {});
    const shared = selector.filter(([key]) => key in labels);
    return (
      shared.length > 0 &&
      shared.every(([key, value]) => labels[key] === value) &&
      registry.readyEndpoints(namespace, service.metadata.name) > 0
    );
  });
}
