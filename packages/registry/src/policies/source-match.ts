/**
 * Whether a policy matches a caller, as istiod has Envoy compare the caller's certificate
 * (pilot/pkg/security/authz/model).
 */
import type { PolicyRule, PolicySource } from "@fenceline/api";
import { DEFAULT_TRUST_DOMAIN } from "@fenceline/api/vocabulary";

/** The identity in the certificate of a caller. */
export interface PolicyCaller {
  readonly namespace: string;
  /** Undefined where it is not known: then it may be any of the namespace. */
  readonly serviceAccount: string | undefined;
}

/** `maybe`: some of the calls may match, and others not. */
export type Match = "no" | "maybe" | "yes";

/** How callers are compared with a policy. */
export interface Comparing {
  readonly caller: PolicyCaller;
  /** The namespace of the policy. */
  readonly namespace: string;
  /** Trust domains of the mesh. Which of them the caller's certificate has is not known. */
  readonly trustDomains: readonly string[];
}

export function ruleMatch({ sources, isConditional }: PolicyRule, comparing: Comparing): Match {
  const match = sources.length === 0 ? "yes" : anyOf(sources.map((source) => sourceMatch(source, comparing)));
  return isConditional ? atMostMaybe(match) : match;
}

function sourceMatch(source: PolicySource, comparing: Comparing): Match {
  const match = callerMatch(source, comparing);
  return source.isConditional ? atMostMaybe(match) : match;
}

/** Whether a source names the caller. It matches the caller if its other conditions hold. */
export function namesCaller(source: PolicySource, comparing: Comparing): boolean {
  const { namespace } = comparing.caller;
  return namespacesNamed(source, comparing.namespace).includes(namespace) && callerMatch(source, comparing) === "yes";
}

/** Namespaces whose callers a source names: none by `*`, or by a service account of anywhere. */
export function namespacesNamed({ principals, namespaces, serviceAccounts }: PolicySource, ofPolicy: string): readonly string[] {
  return [
    ...principals.flatMap((principal) => NAMESPACE_OF.exec(principal)?.[1] ?? []),
    ...namespaces.filter((each) => !each.includes("*")),
    ...serviceAccounts.map((each) => splitServiceAccount(each, ofPolicy).namespace),
  ];
}

const NAMESPACE_OF = /^[^/]*\/ns\/([^/*]+)\//;

function callerMatch({ principals, namespaces, serviceAccounts }: PolicySource, comparing: Comparing): Match {
  const lists = [
    principals.map((each) => principalMatch(each, comparing)),
    namespaces.map((each) => namespaceMatch(each, comparing.caller)),
    serviceAccounts.map((each) => serviceAccountMatch(each, comparing)),
  ];
  return allOf(lists.filter(({ length }) => length > 0).map(anyOf));
}

/**
 * One of the mesh's own trust domains, and Istio's default, stand for all of them
 * (trustdomain.Bundle). Any other text is compared literally. A domain that is not known here may
 * still be an alias in MeshConfig, so it alone excludes nobody.
 */
function principalMatch(pattern: string, { caller, trustDomains }: Comparing): Match {
  const domain = pattern.slice(0, pattern.indexOf("/"));
  const isOwn = pattern.includes("/") && [...trustDomains, DEFAULT_TRUST_DOMAIN].includes(domain);
  const knownTo = (each: string) => `${each}/ns/${caller.namespace}/sa/`;
  const matches = (isOwn ? [domain] : trustDomains).map((each) => textMatch(pattern, knownTo(each), caller));
  const [first = "no", ...others] = matches;
  if (!others.every((other) => other === first)) return "maybe";
  if (isOwn || first !== "no") return first;
  const workload = pattern.indexOf("/ns/");
  if (workload < 0) return pattern.endsWith("*") ? "maybe" : "no";
  return atMostMaybe(textMatch(domain + pattern.slice(workload), knownTo(domain), caller));
}

/**
 * Istio allows `*` at one end. If it is at both, only the first one counts.
 *
 * @param known the text before the name
 */
function textMatch(pattern: string, known: string, { serviceAccount }: PolicyCaller): Match {
  if (pattern === "*") return "yes";
  const isEnding = pattern.startsWith("*");
  const isBeginning = !isEnding && pattern.endsWith("*");
  const text = isEnding ? pattern.slice(1) : isBeginning ? pattern.slice(0, -1) : pattern;
  if (serviceAccount === undefined) return isEnding ? endingMatch(text, known) : beginningMatch(text, known, isBeginning);
  const whole = known + serviceAccount;
  return (isEnding ? whole.endsWith(text) : isBeginning ? whole.startsWith(text) : whole === text) ? "yes" : "no";
}

function beginningMatch(text: string, known: string, isOpen: boolean): Match {
  if (isOpen && known.startsWith(text)) return "yes";
  return text.startsWith(known) && text.length > known.length ? "maybe" : "no";
}

/** The name of a service account has no slash. */
function endingMatch(text: string, known: string): Match {
  const slash = text.lastIndexOf("/");
  return slash < text.length - 1 && known.endsWith(text.slice(0, slash + 1)) ? "maybe" : "no";
}

/** Istio searches for `/ns/<pattern>/` in the certificate, in which `sa` comes next. */
function namespaceMatch(pattern: string, { namespace }: PolicyCaller): Match {
  return globMatches(pattern, namespace) || globMatches(pattern, `${namespace}/sa`) ? "yes" : "no";
}

/** Istio before the fix of CVE-2026-39350 takes a dot in the name for any character. */
function serviceAccountMatch(named: string, { caller, namespace }: Comparing): Match {
  const wanted = splitServiceAccount(named, namespace);
  if (wanted.namespace !== caller.namespace) return "no";
  const { serviceAccount } = caller;
  if (serviceAccount === undefined) return "maybe";
  if (serviceAccount === wanted.name) return "yes";
  const isLike =
    wanted.name.length === serviceAccount.length && [...wanted.name].every((each, at) => each === "." || each === serviceAccount[at]);
  return isLike ? "maybe" : "no";
}

function splitServiceAccount(named: string, ofPolicy: string): { readonly namespace: string; readonly name: string } {
  const slash = named.indexOf("/");
  return slash < 0 ? { namespace: ofPolicy, name: named } : { namespace: named.slice(0, slash), name: named.slice(slash + 1) };
}

/** Part by part: an expression with many `*` would go back and forth. */
function globMatches(pattern: string, text: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  const last = rest.pop();
  if (last === undefined) return pattern === text;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}

/** The best match among them. */
export function anyOf(matches: readonly Match[]): Match {
  if (matches.includes("yes")) return "yes";
  return matches.includes("maybe") ? "maybe" : "no";
}

function allOf(matches: readonly Match[]): Match {
  if (matches.includes("no")) return "no";
  return matches.includes("maybe") ? "maybe" : "yes";
}

export function atMostMaybe(match: Match): Match {
  return match === "yes" ? "maybe" : match;
}
