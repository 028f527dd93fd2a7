/**
 * The order of the HTTP filters in a workload's Envoy. It is defined only here: whatever renders a
 * filter names its phase, and the order of the phases is below, with the reasons.
 *
 * Istio's filters come first (authentication, authorization, Wasm plugins, fault, CORS, telemetry),
 * and the router ends the chain. Ours are between the two.
 */
import type { ConfigPatch, EnvoyFilter, EnvoyValue, Labels } from "@fenceline/api";
import { HTTP_CONNECTION_MANAGER, type HttpFilterConfig, type ListenerPlace, listenerMatch } from "./patch.ts";

/**
 * The phases from the caller to the router, with the `priority` of the EnvoyFilters for each. Istio
 * applies the EnvoyFilters of a workload by priority, and then by age. Each inserts its filters
 * directly before the router, so those with the highest priority come last.
 */
const PHASES = {
  // Before everything that counts requests. It holds a request until the cluster exists, and Envoy
  // then restarts the stream: a filter before it sees that request twice.
  onDemand: 0,
  // Before limits. It may set a header that identifies the caller, by which a limit counts, and a
  // request that it refuses should take no token.
  plugin: 10,
  // Directly before the router: what comes so far is forwarded.
  limit: 20,
} as const;

export type FilterPhase = keyof typeof PHASES;

const ROUTER = "envoy.filters.http.router";

/** A filter for the HTTP filter chain. */
export interface HttpFilter {
  /** Any name, since people add filters of their own. */
  readonly name: string;
  readonly phase: FilterPhase;
  /** Its configuration; or, if Envoy discovers it by its name, the types it may have. */
  readonly config: HttpFilterConfig | DiscoveredConfig;
  /** Whether it is passed by where no route or virtual host turns it on. Default false. */
  readonly isOff?: boolean;
}

/** Instead of a configuration, which comes by ECDS, with an EXTENSION_CONFIG of its name. */
interface DiscoveredConfig {
  readonly discoveredTypes: readonly string[];
  /**
   * Configuration until the discovered one has come, or if it never comes. Without one, the
   * listener waits for it.
   */
  readonly meanwhile?: HttpFilterConfig;
}

/**
 * `spec` of an EnvoyFilter whose HTTP filters are all in one phase. It is applied after those of
 * earlier phases.
 */
export function filterSpec(phase: FilterPhase, labels: Labels, configPatches: readonly ConfigPatch[]): EnvoyFilter["spec"] {
  const priority = PHASES[phase];
  // 0 is Istio's default.
  return { workloadSelector: { labels }, ...(priority !== 0 && { priority }), configPatches };
}

/**
 * The patches that insert filters into the chain of listeners, by their phases, and within a phase
 * in the given order. Each inserts its filter directly before the router, so the next one comes
 * after it.
 */
export function httpFilterPatches(filters: readonly HttpFilter[], place: ListenerPlace): readonly ConfigPatch[] {
  const match = listenerMatch(place, { name: HTTP_CONNECTION_MANAGER, subFilter: { name: ROUTER } });
  const inOrder = filters.toSorted((a, b) => PHASES[a.phase] - PHASES[b.phase]);
  return inOrder.map(({ name, config, isOff = false }) => ({
    applyTo: "HTTP_FILTER",
    match,
    patch: { operation: "INSERT_BEFORE", value: { name, ...(isOff && { disabled: true }), ...configured(config) } },
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
