/** What Services show about the pods of a fence. */
import { isDeepStrictEqual } from "node:util";
import { ENDPOINT_SLICE, type EndpointSlice, hasLabels, type Labels, labelsAgree, SERVICE, SERVICE_NAME_LABEL } from "@fenceline/api";
import type { MeshChanges } from "@fenceline/store";
import type { Mesh } from "../mesh.ts";

/** Labels that pods have because a Service selects by more labels than a fence does. */
export function labelsBesides(mesh: Mesh, namespace: string, labels: Labels): Labels[] {
  const own = Object.keys(labels).length;
  return mesh.registry.servicesIn(namespace).flatMap(({ spec: { selector = {} } }) => {
    return Object.keys(selector).length > own && hasLabels(selector, labels) ? [selector] : [];
  });
}

/**
 * Whether a Service with a ready endpoint shows that there are pods with these labels: `surely`
 * where it selects by all of them, `perhaps` where by some.
 */
export function isServed(mesh: Mesh, namespace: string, labels: Labels): "surely" | "perhaps" | "no" {
  const { registry } = mesh;
  let served: "perhaps" | "no" = "no";
  for (const { metadata, spec } of registry.servicesIn(namespace)) {
    const { selector = {} } = spec;
    if (!labelsAgree(labels, selector) || registry.readyEndpoints(namespace, metadata.name) === 0) continue;
    if (hasLabels(selector, labels)) return "surely";
    served = "perhaps";
  }
  return served;
}

/** Whether pods of a Service are, or may be, a fence's: one of the two selects by more labels. */
export function tellsOf(selector: Labels, labels: Labels): boolean {
  const [smaller, larger] = Object.keys(selector).length < Object.keys(labels).length ? [selector, labels] : [labels, selector];
  return hasLabels(larger, smaller);
}

/** Pods of a namespace of which something else is known than before, by the labels that show it. */
export interface PodsChanged {
  readonly namespace: string;
  readonly selector: Labels;
}

/**
 * Pods of which Services show something else than before: one selects by other labels, has its
 * first ready endpoint, or has none any more.
 */
export function podsChanged(changes: MeshChanges, mesh: Pick<Mesh, "registry">): readonly PodsChanged[] {
  const changed = changes.of(SERVICE).flatMap(({ before, after }) => {
    const isSame = before !== undefined && after !== undefined && isDeepStrictEqual(before.spec.selector, after.spec.selector);
    return isSame ? [] : [before, after];
  });
  const served = changes.of(ENDPOINT_SLICE).map(({ before, after }) => {
    const { namespace = "", labels = {} } = (after ?? before)?.metadata ?? {};
    return hasReady(before) === hasReady(after) ? undefined : mesh.registry.service(namespace, labels[SERVICE_NAME_LABEL] ?? "");
  });
  // A Service without a selector tells nothing of labels.
  return [...changed, ...served].flatMap((service) => {
    const { selector = {} } = service?.spec ?? {};
    return service === undefined || Object.keys(selector).length === 0 ? [] : [{ namespace: service.metadata.namespace, selector }];
  });
}

function hasReady(slice: EndpointSlice | undefined): boolean {
  return slice?.endpoints?.some(({ conditions }) => conditions?.ready !== false) === true;
}
