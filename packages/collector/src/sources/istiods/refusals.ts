import type { Rejection } from "./sync-status.ts";

/** One type of configuration that a proxy refused, and may still refuse. */
export interface Refusal extends Rejection {
  /** Whether its istiod reported it in the last answer. */
  readonly isTold: boolean;
  /** When its istiod reported it first and last, by a clock that never goes back. */
  readonly since: number;
  readonly until: number;
}

/** The times that matter for a refusal. */
export interface LookedAt {
  readonly now: number;
  /** When EnvoyFilters for the proxy were last seen to have changed. */
  readonly filtersChanged: number;
}

/**
 * Types that istiod always sends as a whole. Of clusters and endpoints it sends only what changed
 * (`BuildDeltaClusters`), even after a change of the Sidecar, as with each host that a fence
 * learns. Of routes and extensions it sends those that a proxy has just asked for.
 */
const SENT_WHOLE: ReadonlySet<string> = new Set(["LDS"]);
/**
 * Milliseconds from a change until istiod has sent it: it collects changes for as long as they
 * continue, at most ten seconds (`PILOT_DEBOUNCE_MAX`).
 */
const SENT_WITHIN = 10_000;
/**
 * Milliseconds until a proxy has connected again, and so got everything: Istio's chart makes istiod
 * end each connection after thirty minutes (`keepaliveMaxServerConnectionAge`), to which gRPC adds
 * up to a tenth.
 */
const CONNECTED_ANEW = 35 * 60_000;

/**
 * What a proxy refused, after the next answer of its istiod.
 *
 * istiod forgets a refusal as soon as the proxy accepts anything of that type. But Envoy still
 * lacks what it refused, unless that was sent again. So a refusal stays until it was certainly sent
 * again.
 *
 * @param before what was known by the answer before; empty for a proxy that was not in it, which
 * has connected since and got everything
 */
export function refusalsAfter(before: readonly Refusal[], told: readonly Rejection[], at: LookedAt): readonly Refusal[] {
  const now = told.map((rejection) => {
    const same = before.find(({ type, words, isTold }) => isTold && type === rejection.type && words === rejection.words);
    return { ...rejection, isTold: true, since: same?.since ?? at.now, until: at.now };
  });
  const types = new Set(told.map(({ type }) => type));
  const forgotten = before.filter((refusal) => !types.has(refusal.type) && mayStand(refusal, at));
  return [...now, ...forgotten.map((refusal) => ({ ...refusal, isTold: false }))];
}

/** For a refusal that istiod reports no more. If EnvoyFilters change, it sends all clusters. */
function mayStand({ type, since, until }: Refusal, { now, filtersChanged }: LookedAt): boolean {
  if (SENT_WHOLE.has(type) || now - until >= CONNECTED_ANEW) return false;
  const sentBy = filtersChanged + SENT_WITHIN;
  return filtersChanged <= since || until > sentBy || now < sentBy;
}
