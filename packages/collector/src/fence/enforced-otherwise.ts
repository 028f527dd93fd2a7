import { isDeepStrictEqual } from "node:util";
import { type EnvoyFilter, EVERYTHING, type RenderedObject, type Sidecar, shortenedList, sidecarHosts } from "@fenceline/api";
import { hasRedirect } from "@fenceline/render/fence";

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
    return "the Sidecar that is there is for other pods";
  const more = namespacesShown(live, fence);
  if (more.length === 0) return undefined;
  const what = more.includes(EVERYTHING) ? "the whole mesh" : `all of ${shortenedList(more, ", ")}`;
  return `the Sidecar that is there shows ${what}`;
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

/**
 * Why the EnvoyFilter of a fence that is there does not do what the fence is for: it is for other
 * pods, or sends no call to the global sidecar. Undefined where it does, if only as a moment ago.
 */
export function filterOtherwise(present: readonly RenderedObject[], wanted: readonly RenderedObject[]): string | undefined {
  const [live, fence] = [present, wanted].map((objects) => objects.find((object): object is EnvoyFilter => object.kind === "EnvoyFilter"));
  if (live === undefined || fence === undefined) return undefined;
  if (!isDeepStrictEqual(live.spec.workloadSelector?.labels, fence.spec.workloadSelector?.labels))
    return "the EnvoyFilter that is there is for other pods";
  return hasRedirect(fence) && !hasRedirect(live) ? "the EnvoyFilter that is there sends no call to the global sidecar" : undefined;
}
