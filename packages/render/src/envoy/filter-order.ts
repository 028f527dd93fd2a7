/**
 * Who stands where in the HTTP filter chain of a workload's Envoy. Nobody else says so: whatever
 * renders a filter names its phase, and the phases have their order here, with the reason.
 *
 * Istio's filters come first (authentication, authorization, Wasm plugins, fault, CORS, telemetry),
 * and the router ends the chain. Ours stand between the two.
 */
import type { ConfigPatch, EnvoyValue, PatchContext, ProxyMatch } from "@fenceline/api";
import { HTTP_CONNECTION_MANAGER } from "./patch.ts";

/**
 * From the caller to the router, with the `priority` of an EnvoyFilter whose filters stand there.
 * Istio applies the EnvoyFilters of a workload by priority, and then by age; each puts its filters
 * right before the router, so those of the highest stand last.
 */
const PHASES = {
  // Before all that counts requests. It holds a request until the cluster is there, and Envoy then
  // starts the stream anew: a filter in front of it sees that request twice.
  onDemand: 0,
  // Before limits: it may tell who a caller is, by a header that a limit counts by, and a request
  // that it refuses is to cost nobody a token.
  plugin: 10,
  // Right before the router: what comes so far is forwarded.
  limit: 20,
} as const;

export type FilterPhase = keyof typeof PHASES;

const ROUTER = "envoy.filters.http.router";

/** A filter for the HTTP filter chain. */
export interface HttpFilter {
  /** Any: people bring their own. */
  readonly name: string;
  readonly phase: FilterPhase;
  /** Its configuration, with the `@type` of its message. */
  readonly config: { readonly "@type": string; readonly [field: string]: EnvoyValue };
}

/** The listeners that get a filter. */
export interface FilterPlace {
  readonly context: PatchContext;
  /** Default: all of them. */
  readonly portNumber?: number;
  /** Default: in every proxy of the selector. */
  readonly proxy?: ProxyMatch;
}

/** `priority` of an EnvoyFilter whose filters are of one phase. */
export function filterPriority(phase: FilterPhase): number {
  return PHASES[phase];
}

/**
 * The patches that put filters into the chain of listeners, by their phases, and within a phase as
 * they are given. Each puts its filter right before the router, so the next one's stands behind it.
 */
export function httpFilterPatches(filters: readonly HttpFilter[], place: FilterPlace): readonly ConfigPatch[] {
  const { context, portNumber, proxy } = place;
  const filterChain = { filter: { name: HTTP_CONNECTION_MANAGER, subFilter: { name: ROUTER } } };
  const listener = { ...(portNumber !== undefined && { portNumber }), filterChain };
  const inOrder = filters.toSorted((a, b) => PHASES[a.phase] - PHASES[b.phase]);
  return inOrder.map(({ name, config }) => ({
    applyTo: "HTTP_FILTER",
    match: { context, ...(proxy && { proxy }), listener },
    patch: { operation: "INSERT_BEFORE", value: { name, typed_config: config } },
  }));
}
