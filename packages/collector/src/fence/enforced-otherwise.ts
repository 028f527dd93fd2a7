import { isDeepStrictEqual } from "node:util";
import { EVERYTHING, type RenderedObject, type Sidecar, sidecarHosts } from "@fenceline/api";

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
  const showsAll = (sidecar: Sidecar) => sidecarHosts(sidecar).includes(EVERYTHING);
  return showsAll(live) && !showsAll(fence) ? "the Sidecar that is there shows the whole mesh, see Ready" : undefined;
}
