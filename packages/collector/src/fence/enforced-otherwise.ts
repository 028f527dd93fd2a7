import { isDeepStrictEqual } from "node:util";
import { type EnvoyFilter, EVERYTHING, type Labels, type RenderedObject, type Sidecar, shortenedList, sidecarHosts } from "@fenceline/api";
import { hasRedirect } from "@fenceline/render/fence";

/**
 * Why the existing Sidecar of a fence does not do what the fence asks for; undefined where it does,
 * even with slightly older hosts. A person or a webhook may have changed it, or it may select pods
 * that the fence selected before.
 *
 * @param present what exists
 * @param wanted what should exist in the end
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
 * Namespaces that the Sidecar shows as a whole and the fence does not, in a Sidecar's notation. A
 * single host may just be older.
 */
function namespacesShown(live: Sidecar, fence: Sidecar): readonly string[] {
  const wanted = new Set(sidecarHosts(fence));
  if (wanted.has(EVERYTHING)) return [];
  return sidecarHosts(live).filter((egress) => egress.endsWith("/*") && !wanted.has(egress));
}

/**
 * Why the existing EnvoyFilter of a fence does not do what the fence asks for: it selects other
 * pods, sends no call to the global sidecar, or still does. Undefined where it does, even in a
 * slightly older form.
 */
export function filterOtherwise(present: readonly RenderedObject[], wanted: readonly RenderedObject[]): string | undefined {
  const [live, fence] = [present, wanted].map((objects) => objects.find((object): object is EnvoyFilter => object.kind === "EnvoyFilter"));
  if (live === undefined || fence === undefined) return undefined;
  if (!isDeepStrictEqual(live.spec.workloadSelector?.labels, fence.spec.workloadSelector?.labels))
    return "the EnvoyFilter that is there is for other pods";
  if (hasRedirect(fence) === hasRedirect(live)) return undefined;
  const what = hasRedirect(live) ? "still sends calls" : "sends no call";
  return `the EnvoyFilter that is there ${what} to the global sidecar`;
}

/** Whether the existing EnvoyFilter sends calls of pods with these labels to the global sidecar. */
export function redirects(present: readonly RenderedObject[], labels: Labels | undefined): boolean {
  return present.some(
    (object) => object.kind === "EnvoyFilter" && hasRedirect(object) && isDeepStrictEqual(object.spec.workloadSelector?.labels, labels),
  );
}
