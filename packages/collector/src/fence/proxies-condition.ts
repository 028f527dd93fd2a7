import { type FenceCondition, type Judgement, shortenedList } from "@fenceline/api";
import type { ProxiesSeen } from "../sources/istiods/proxy-syncs.ts";

const TYPE = "AcceptedByProxies";
/** Pods that a message names. */
const MOST_PODS = 3;

/**
 * Whether Envoys take what istiod makes of the fence, and of whatever else is for them: one
 * configuration that is refused keeps all later ones of its type away. Only where istiods are
 * asked.
 */
export function proxiesCondition(
  seen: ProxiesSeen | undefined,
  previous: readonly FenceCondition[] | undefined,
): readonly Judgement<FenceCondition["type"]>[] {
  if (seen === undefined) return [];
  const { view, refusing, unknown, detail } = seen;
  if (refusing.length > 0) return [{ type: TYPE, status: "False", reason: "Rejected", message: rejected(refusing) }];
  if (unknown.length > 0) {
    const message = `of the pods of this namespace ${shortenedList(unknown, ", ")} refuse what istiod sends, and neither a Service nor an access log tells whether they are of this fence`;
    return [{ type: TYPE, status: "Unknown", reason: "PodNotKnown", message }];
  }
  switch (view) {
    case "asked":
      return previous?.filter(({ type }) => type === TYPE) ?? [];
    case "own": {
      const message =
        "istiod tells of proxies of Fenceline's own namespace only: set DEBUG_ENDPOINT_AUTH_ALLOWED_NAMESPACES of istiod to that namespace (docs/install.md)";
      return [{ type: TYPE, status: "Unknown", reason: "NotPermitted", message }];
    }
    case "lost":
      return [{ type: TYPE, status: "Unknown", reason: "NotReachable", message: `not every istiod answers: ${detail}` }];
    case "seen":
      return [{ type: TYPE, status: "True", reason: "Accepted", message: "no proxy of this workload refuses its configuration" }];
  }
}

function rejected(refusing: ProxiesSeen["refusing"]): string {
  const told = refusing
    .slice(0, MOST_PODS)
    .map(({ pod, rejections }) => `pod ${pod}: ${rejections.map(({ type, words }) => `${type}: ${words}`).join("; ")}`);
  const more = refusing.length - told.length;
  return shortenedList([...told, ...(more > 0 ? [`and ${more} more pods`] : [])]) ?? "";
}
