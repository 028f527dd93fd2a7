import type { Rejection } from "./sync-status.ts";

/** What a proxy refused of one type of configuration, and may refuse still. */
export interface Refusal extends Rejection {
  /** Whether its istiod told of it in the last answer. */
  readonly isTold: boolean;
  /** When its istiod told of it first and last, in milliseconds of a clock that never goes back. */
  readonly since: number;
  readonly until: number;
}

/** When a refusal is looked at. */
export interface LookedAt {
  readonly now: number;
  /** When EnvoyFilters for the proxy were seen to have changed last. */
  readonly filtersChanged: number;
}

/**
 * Types of which istiod always sends everything. Of clusters and endpoints it sends those of what
 * changed (`BuildDeltaClusters`), also after a change of the Sidecar, as with each host that a
 * fence learns; of routes and extensions those that a proxy has just asked for.
 */
const SENT_WHOLE: ReadonlySet<string> = new Set(["LDS"]);
/**
 * Milliseconds from a change until istiod has sent it: it collects changes for as long as they go
 * on, ten seconds at most (`PILOT_DEBOUNCE_MAX`).
 */
const SENT_WITHIN = 10_000;
/**
 * Milliseconds until a proxy has connected anew, and so was sent everything: Istio's chart has
 * istiod end each connection after thirty minutes (`keepaliveMaxServerConnectionAge`), to which
 * gRPC adds up to a tenth.
 */
const CONNECTED_ANEW = 35 * 60_000;

/**
 * What a proxy refused, by another answer of its istiod.
 *
 * istiod forgets a refusal as soon as the proxy takes anything of that type. Envoy goes on without
 * what it refused if that was not sent again: it stands until it is certain that it was.
 *
 * @param before what was known by the answer before; empty for a proxy that was not in it, which
 * has connected since and was sent everything
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

/** Of a refusal that istiod tells no more. A change of EnvoyFilters has it send all clusters. */
function mayStand({ type, since, until }: Refusal, { now, filtersChanged }: LookedAt): boolean {
  if (SENT_WHOLE.has(type) || now - until >= CONNECTED_ANEW) return false;
  const sentBy = filtersChanged + SENT_WITHIN;
  return filtersChanged <= since || until > sentBy || now < sentBy;
}
