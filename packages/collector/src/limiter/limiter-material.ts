import type { Material } from "@fenceline/limits";
import type { ServiceLookup } from "@fenceline/registry";
import { labelsText } from "@fenceline/render/limiter";
import type { SetPods } from "./limiter-sets.ts";

/** Name of the count of a set's pods. */
export const POD_COUNT = "pod";

/**
 * How many pods of each set are ready: `_base.pod`, `v1.pod`.
 *
 * By the endpoints of a Service that selects by these labels and no others; where there are
 * several, by those of the first by name. A set without such a Service has no count: Fenceline
 * watches no pods.
 */
export function podCounts(namespace: string, sets: readonly SetPods[], registry: ServiceLookup): Material {
  const counts = new Map<string, number>();
  for (const each of sets) {
    if (!("labels" in each)) continue;
    const own = labelsText(each.labels);
    const service = registry.servicesOfPods(namespace, each.labels).find(({ spec: { selector } }) => labelsText(selector) === own);
    if (service === undefined) continue;
    const count = registry.readyEndpoints(service.metadata.namespace, service.metadata.name);
    // Zero is a moment between two pods: a quota must not be divided by it.
    if (count > 0) counts.set(`${each.set}.${POD_COUNT}`, count);
  }
  return counts;
}
