/**
 * Who stands where in the HTTP filter chain of a workload's Envoy. Nobody else says so: whatever
 * renders a filter has its place here, with the reason.
 *
 * Istio's filters come first (authentication, authorization, Wasm plugins, fault, CORS, telemetry),
 * and the router ends the chain. Ours stand between the two.
 */
import type { ConfigPatch, EnvoyValue } from "@fenceline/api";
import { HTTP_CONNECTION_MANAGER } from "./patch.ts";

/** From the caller to the router. */
const ORDER = [
  // Before all that counts requests. It holds a request until the cluster is there, and Envoy then
  // starts the stream anew: a filter in front of it sees that request twice.
  "envoy.filters.http.on_demand",
] as const;

const ROUTER = "envoy.filters.http.router";

/** A filter for the HTTP filter chain. */
export interface HttpFilter {
  readonly name: (typeof ORDER)[number];
  /** Its configuration, with the `@type` of its message. */
  readonly config: { readonly "@type": string; readonly [field: string]: EnvoyValue };
}

/**
 * The patches that put filters into the chain of outbound listeners, in their order, whatever the
 * order in which they are given.
 *
 * Each patch puts its filter right before the router, so the next one's stands behind it. Istio
 * applies several EnvoyFilters of a workload by `priority`, and then by age: a kind that has its
 * own must set it after this order.
 */
export function httpFilterPatches(filters: readonly HttpFilter[]): readonly ConfigPatch[] {
  const inOrder = filters.toSorted((a, b) => ORDER.indexOf(a.name) - ORDER.indexOf(b.name));
  return inOrder.map(({ name, config }) => ({
    applyTo: "HTTP_FILTER",
    match: {
      context: "SIDECAR_OUTBOUND",
      listener: { filterChain: { filter: { name: HTTP_CONNECTION_MANAGER, subFilter: { name: ROUTER } } } },
    },
    patch: { operation: "INSERT_BEFORE", value: { name, typed_config: config } },
  }));
}
