import { resetOf, type ServiceFence } from "@fenceline/api";
import type { FenceEdges } from "@fenceline/edges";
import type { ServiceLookup } from "@fenceline/registry";
import { statusKey } from "@fenceline/render/fence";

/**
 * Forgets what the fence's annotation asks for, unless that was done before: once for each value.
 * Every replica does so, since whoever still knew a host would write it into the status again.
 *
 * @returns what was forgotten; undefined where nothing new is asked for
 */
export function resetAsked(edges: FenceEdges, fence: ServiceFence, registry: ServiceLookup): readonly string[] | undefined {
  const asked = resetOf(fence.metadata.annotations);
  if (asked === undefined || asked.mark === edges.resetDone) return undefined;
  edges.resetDone = asked.mark;
  // The leader has done it, and its status says what is left.
  if (asked.mark === fence.status.reset) return undefined;
  return forgetLearned(edges, fence, registry, asked.hosts);
}

/**
 * Forgets hosts that were learned, preloaded or imported. What the spec declares stays, and so do
 * its times: an `auto` host without them would never come back.
 *
 * @param hosts short names are completed as in the spec; undefined for all
 */
function forgetLearned(edges: FenceEdges, fence: ServiceFence, registry: ServiceLookup, hosts?: readonly string[]): readonly string[] {
  const keyOf = (host: string) => statusKey(host, fence.metadata.namespace, registry);
  const meant = hosts && new Set(hosts.map(keyOf));
  const declared = new Set(Object.keys(fence.spec.host).map(keyOf));
  const forgotten = edges
    .hosts()
    .map(({ host }) => host)
    .filter((host) => !declared.has(host) && (meant === undefined || meant.has(host)));
  for (const host of forgotten) edges.remove(host);
  return forgotten;
}
