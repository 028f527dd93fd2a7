/**
 * Who stands where in the HTTP filter chain of a workload's Envoy. Nobody else says so: whatever
 * renders a filter names its phase, and the phases have their order here, with the reason.
 *
 * Istio's filters come first (authentication, authorization, Wasm plugins, fault, CORS, telemetry),
 * and the router ends the chain. Ours stand between the two.
 */
import type { ConfigPatch, EnvoyFilter, EnvoyValue, Labels } from "@fenceline/api";
import { HTTP_CONNECTION_MANAGER, type HttpFilterConfig, type ListenerPlace, listenerMatch } from "./patch.ts";

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
  /** Its configuration; or, of a filter that Envoy discovers by its name, the types it may have. */
  readonly config: HttpFilterConfig | DiscoveredConfig;
}

/** Instead of a configuration: it comes by ECDS, with an EXTENSION_CONFIG of the filter's name. */
interface DiscoveredConfig {
  readonly discoveredTypes: readonly string[];
  /**
   * What counts until it has come, or where it cannot be had. Without one, the listener waits for
   * it.
   */
  readonly meanwhile?: HttpFilterConfig;
}

/**
 * `spec` of an EnvoyFilter whose HTTP filters are all of one phase. It is applied when those of
 * earlier phases are.
 */
export function filterSpec(phase: FilterPhase, labels: Labels, configPatches: readonly ConfigPatch[]): EnvoyFilter["spec"] {
  const priority = PHASES[phase];
  // 0 is Istio's default.
  return { workloadSelector: { labels }, ...(priority !== 0 && { priority }), configPatches };
}

/**
 * The patches that put filters into the chain of listeners, by their phases, and within a phase as
 * they are given. Each puts its filter right before the router, so the next one's stands behind it.
 */
export function httpFilterPatches(filters: readonly HttpFilter[], place: ListenerPlace): readonly ConfigPatch[] {
  const match = listenerMatch(place, { name: HTTP_CONNECTION_MANAGER, subFilter: { name: ROUTER } });
  const inOrder = filters.toSorted((a, b) => PHASES[a.phase] - PHASES[b.phase]);
  return inOrder.map(({ name, config }) => ({
    applyTo: "HTTP_FILTER",
    match,
    patch: { operation: "INSERT_BEFORE", value: { name, ...configured(config) } },
  }));
}

function configured(config: HttpFilter["config"]): { readonly [field: string]: EnvoyValue } {
  if (!isDiscovered(config)) return { typed_config: config };
  const { discoveredTypes, meanwhile } = config;
  const source = { config_source: { ads: {} }, type_urls: discoveredTypes };
  return { config_discovery: { ...source, ...(meanwhile && { default_config: meanwhile }) } };
}

function isDiscovered(config: HttpFilter["config"]): config is DiscoveredConfig {
  return "discoveredTypes" in config;
}
