import type { Service } from "@fenceline/api";
import type { Material } from "@fenceline/limits";
import type { ServiceLookup } from "@fenceline/registry";
import { labelsText } from "@fenceline/render/limiter";
import type { SetPods } from "./limiter-sets.ts";

/** Name of the count of a set's pods. */
export const POD_COUNT = "pod";

/**
 * How many pods of each set are ready: `_base.pod`, `v1.pod`.
 *
 * The endpoints of a Service that selects by exactly these labels are counted; of several, the
 * first by name. A set without such a Service has no count, since Fenceline watches no pods.
 */
export function podCounts(namespace: string, sets: readonly SetPods[], registry: ServiceLookup): Material {
  const counts = new Map<string, number>();
  for (const each of sets) {
    const service = serviceOfSet(namespace, each, registry);
    if (service === undefined) continue;
    const count = registry.readyEndpoints(service.metadata.namespace, service.metadata.name);
    // Zero only lasts until a new pod replaces the old one. A quota must not be divided by it.
    if (count > 0) counts.set(`${each.set}.${POD_COUNT}`, count);
  }
  return counts;
}

/** The Service whose endpoints are the pods of a set. */
export function serviceOfSet(namespace: string, set: SetPods, registry: Pick<ServiceLookup, "servicesOfPods">): Service | undefined {
  if (!("labels" in set)) return undefined;
  const own = labelsText(set.labels);
  return registry.servicesOfPods(namespace, set.labels).find(({ spec: { selector } }) => labelsText(selector) === own);
}
