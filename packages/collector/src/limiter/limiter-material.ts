import type { Service } from "@fenceline/api";
import type { Material } from "@fenceline/limits";
import type { ServiceLookup } from "@fenceline/registry";
import { labelsText } from "@fenceline/render/limiter";
import type { SetPods } from "./limiter-sets.ts";

/** Name of the count of a set's pods. */
export const POD_COUNT = "pod";

/** Services of a namespace by what they select; of two that select the same, the first. */
export type ServicesBySelector = ReadonlyMap<string, Service>;

export function servicesBySelector(namespace: string, registry: ServiceLookup): ServicesBySelector {
  return new Map(
    registry
      .servicesIn(namespace)
      .map((service) => [labelsText(service.spec.selector), service] as const)
      .toReversed(),
  );
}

/**
 * How many pods of each set are ready: `_base.pod`, `v1.pod`.
 *
 * By the endpoints of a Service that selects by these labels and no others. A set without such a
 * Service has no count: Fenceline watches no pods.
 */
export function podCounts(sets: readonly SetPods[], services: ServicesBySelector, registry: ServiceLookup): Material {
  const counts = new Map<string, number>();
  for (const each of sets) {
    const service = "labels" in each ? services.get(labelsText(each.labels)) : undefined;
    if (service === undefined) continue;
    const count = registry.readyEndpoints(service.metadata.namespace, service.metadata.name);
    // Zero is a moment between two pods: a quota must not be divided by it.
    if (count > 0) counts.set(`${each.set}.${POD_COUNT}`, count);
  }
  return counts;
}
