import { isDeepStrictEqual } from "node:util";
import { EVERYTHING, type RenderedObject, type Sidecar, shortenedList, sidecarHosts } from "@fenceline/api";

/**
 * Why the Sidecar of a fence that is there does not do what the fence is for; undefined where it
 * does, if only with hosts of a moment ago. Somebody may have edited it, or a webhook, or it may be
 * for pods that the fence was for before.
 *
 * @param present what is there
 * @param wanted what is to be there in the end
 */
export function enforcedOtherwise(present: readonly RenderedObject[], wanted: readonly RenderedObject[]): string | undefined {
  const [live, fence] = [present, wanted].map((objects) => objects.find((object): object is Sidecar => object.kind === "Sidecar"));
  if (live === undefined || fence === undefined) return undefined;
  if (!isDeepStrictEqual(live.spec.workloadSelector?.labels, fence.spec.workloadSelector?.labels))
    return "the Sidecar that is there is for other pods, see Ready";
  const more = namespacesShown(live, fence);
  if (more.length === 0) return undefined;
  const what = more.includes(EVERYTHING) ? "the whole mesh" : `all of ${shortenedList(more, ", ")}`;
  return `the Sidecar that is there shows ${what}, see Ready`;
}

/**
 * Namespaces that a Sidecar shows whole and a fence does not, as Sidecars name them. A single host
 * may be one of a moment ago.
 */
function namespacesShown(live: Sidecar, fence: Sidecar): readonly string[] {
  const wanted = new Set(sidecarHosts(fence));
  if (wanted.has(EVERYTHING)) return [];
  return sidecarHosts(live).filter((egress) => egress.endsWith("/*") && !wanted.has(egress));
}
