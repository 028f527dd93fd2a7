import { type Condition, type Judgement, shortenedList } from "@fenceline/api";
import type { ProxiesSeen } from "./proxy-syncs.ts";

const TYPE = "AcceptedByProxies";
type ProxiesJudgement = Judgement<typeof TYPE>;
/** Most pods that a message names. */
const MOST_PODS = 3;

/**
 * Whether Envoys accept what istiod makes of an object of ours, and of anything else for them.
 * Where an Envoy refuses an update it keeps the version before, whichever object is the cause.
 *
 * @param before the former condition; it stays until istiods have answered
 */
export function proxiesCondition(seen: ProxiesSeen, before: readonly Condition[] | undefined): ProxiesJudgement | undefined {
  const { view, refusing, forgotten, unknown, detail } = seen;
  if (refusing.length > 0) return { type: TYPE, status: "False", reason: "Rejected", message: textOf(refusing) };
  if (forgotten.length > 0) {
    const message = `istiod has forgotten whether this is still refused: ${textOf(forgotten)}`;
    return { type: TYPE, status: "Unknown", reason: "RejectedBefore", message };
  }
  if (unknown.length > 0) {
    const message = `of the pods of this namespace ${shortenedList(unknown, ", ")} refuse what istiod sends, and neither a Service nor an access log tells whose they are`;
    return { type: TYPE, status: "Unknown", reason: "PodNotKnown", message };
  }
  switch (view) {
    case "asked": {
      const said = before?.find(({ type }) => type === TYPE);
      return said && { ...said, type: TYPE };
    }
    case "own": {
      const message =
        "istiod tells of proxies of Fenceline's own namespace only: set DEBUG_ENDPOINT_AUTH_ALLOWED_NAMESPACES of istiod to that namespace (docs/install.md)";
      return { type: TYPE, status: "Unknown", reason: "NotPermitted", message };
    }
    case "lost":
      return { type: TYPE, status: "Unknown", reason: "NotReachable", message: `not every istiod answers: ${detail}` };
    case "seen":
      return { type: TYPE, status: "True", reason: "Accepted", message: "no proxy of these pods refuses its configuration" };
  }
}

function textOf(proxies: ProxiesSeen["refusing"]): string {
  const told = proxies
    .slice(0, MOST_PODS)
    .map(({ pod, rejections }) => `pod ${pod}: ${rejections.map(({ type, words }) => `${type}: ${words}`).join("; ")}`);
  const more = proxies.length - told.length;
  return shortenedList([...told, ...(more > 0 ? [`and ${more} more pods`] : [])]) ?? "";
}
