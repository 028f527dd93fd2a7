import { isDeepStrictEqual } from "node:util";
import type { Labels } from "@fenceline/api";
import type { Material } from "@fenceline/limits";
import type { ServiceLookup } from "@fenceline/registry";
import type { SetPods } from "./limiter-sets.ts";

/** Name of the count of a set's pods. */
export const POD_COUNT = "pod";

/**
 * How many pods of each set are ready: `_base.pod`, `v1.pod`.
 *
 * By the endpoints of a Service that selects by these labels and no others. A set without such a
 * Service has no count: Fenceline watches no pods.
 */
export function podCounts(sets: readonly SetPods[], namespace: string, registry: ServiceLookup): Material {
  const counts = new Map<string, number>();
  for (const each of sets) {
    const service = "labels" in each ? serviceOf(each.labels, namespace, registry) : undefined;
    if (service === undefined) continue;
    const count = registry.readyEndpoints(namespace, service);
    // None at all is a moment between two pods: a quota must not be divided by it.
    if (count > 0) counts.set(`${each.set}.${POD_COUNT}`, count);
  }
  return counts;
}

function serviceOf(labels: Labels, namespace: string, registry: ServiceLookup): string | undefined {
  if (Object.keys(labels).length === 0) return undefined;
  return registry.servicesIn(namespace).find(({ spec: { selector } }) => isDeepStrictEqual(selector, labels))?.metadata.name;
}
