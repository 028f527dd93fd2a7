import type { Service } from "@fenceline/api";
import type { CallPolicies } from "./call-policies.ts";

/**
 * From which namespaces calls to a host are certainly refused, as it is told to the global sidecar:
 * `only <host> <namespaces>` refuses all others, `not <host> <namespaces>` these.
 */
export interface RefusedCallers {
  readonly host: string;
  readonly isClosed: boolean;
  readonly namespaces: ReadonlySet<string>;
}

/** No namespace has a slash, so a policy matches this one only if it matches any. */
const STRANGER = "/";

/** The callers that the global sidecar knows. */
export interface TellingCallers {
  /** Namespaces from which calls come. */
  readonly callers: Iterable<string>;
  /** Whether calls from a namespace may be sent to other pods than the Service's. */
  readonly isRouted: (namespace: string) => boolean;
}

/**
 * What is told of a Service: for its name, and for its ClusterIPs, by which it may be called, too.
 * Nothing where nobody is refused.
 */
export function refusedTexts(
  policies: CallPolicies,
  { metadata: { namespace }, spec: { selector = {}, clusterIP, clusterIPs = [] } }: Service,
  host: string,
  { callers, isRouted }: TellingCallers,
): readonly string[] {
  const verdict = Object.keys(selector).length === 0 ? undefined : policies.about({ namespace, labels: selector });
  if (verdict === undefined) return [];
  const isRefused = (caller: string) =>
    verdict({ namespace: caller, serviceAccount: undefined }) === "certainly_denied" && !isRouted(caller);
  const isClosed = isRefused(STRANGER);
  const named = [...callers].filter((caller) => isRefused(caller) !== isClosed).sort();
  if (!isClosed && named.length === 0) return [];
  const addresses = [clusterIP, ...clusterIPs].filter((address) => address !== undefined && address !== "" && address !== "None");
  return [...new Set([host, ...addresses])].map((each) => `${isClosed ? "only" : "not"} ${each} ${named.join(",")}`);
}

/** Reads such a text; undefined for any other. */
export function readRefused(text: string): RefusedCallers | undefined {
  const [word, host, names, ...rest] = text.split(" ");
  if ((word !== "only" && word !== "not") || host === undefined || names === undefined || rest.length > 0) return undefined;
  return { host, isClosed: word === "only", namespaces: new Set(names.split(",").filter((name) => name !== "")) };
}

/** Whether calls from a namespace are refused. */
export function refuses({ isClosed, namespaces }: RefusedCallers, caller: string): boolean {
  return namespaces.has(caller) !== isClosed;
}
