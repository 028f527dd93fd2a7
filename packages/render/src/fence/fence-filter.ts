import {
  type Config,
  type ConfigPatch,
  durationMs,
  type EnvoyFilter,
  type EnvoyValue,
  FENCE_SOURCE,
  type FenceKey,
  fenceLogName,
  formatFenceKey,
  type Labels,
  ORIGINAL_DESTINATION,
  OUTBOUND_POLICY,
  SOURCE_NAMESPACE,
} from "@fenceline/api";
import { filterSpec, type HttpFilter, httpFilterPatches } from "../envoy/filter-order.ts";
import { HTTP_CONNECTION_MANAGER, mergedInto, outboundCluster, routesFirst, seconds, TCP_PROXY } from "../envoy/patch.ts";
import { dispatchExpression, fallbackExpression, orderedDispatches } from "./fallback-match.ts";

/** The input of a fence's EnvoyFilter. None of it grows with the mesh, nor with what is learned. */
export interface FilterInput {
  readonly key: FenceKey;
  /** Labels of its pods. */
  readonly labels: Labels;
  readonly config: Config;
  /** Observed time, in milliseconds, after which an unseen host leaves the fence. */
  readonly idleWindow: number;
  /** Send calls to unknown hosts to the fallback. False renders only the access loggers. */
  readonly redirect: boolean;
  /**
   * Log TCP connections, for `tcp: learn`. A changed listener is drained, and connections that were
   * open before are cut 45 s later, as Istio configures it. So where nothing is to be learned of
   * TCP, its listeners stay as they are: a database's connections are not cut when a fence is made,
   * changed or deleted.
   */
  readonly logTcp: boolean;
  /**
   * Add Envoy's on_demand filter. Only for proxies that speak delta xDS (envoyproxy/envoy#24763:
   * others may crash).
   */
  readonly onDemand: boolean;
}

/** A fence concerns the calls that its workload makes. */
const OUTBOUND = { context: "SIDECAR_OUTBOUND" } as const;
/**
 * Istio's names of the catch-all virtual host: ALLOW_ANY, REGISTRY_ONLY, and ALLOW_ANY with dynamic
 * DNS. A proxy has one of them.
 */
const CATCH_ALL_HOSTS = ["allow_any", "block_all", "allow_any_dynamic_dns"] as const;
/** The one of REGISTRY_ONLY. What it blocks must not leave the mesh through the fallback. */
const REGISTRY_ONLY_HOST = "block_all";
/** Name of the route for calls that no dispatch matches. */
const FALLBACK_ROUTE = "fenceline-fallback";
/** Name of the fallback's cluster in Slime's `dispatches`. */
const GLOBAL_SIDECAR = "_GLOBAL_SIDECAR";

/**
 * Makes a request wait for its cluster. When a Sidecar shows more, istiod sends the new route a few
 * milliseconds before the cluster is ready, and a request in between would get `503 NC
 * cluster_not_found` (istio/istio#39837).
 */
const ON_DEMAND: HttpFilter = {
  name: "envoy.filters.http.on_demand",
  phase: "onDemand",
  config: {
    "@type": "type.googleapis.com/envoy.extensions.filters.http.on_demand.v3.OnDemand",
    odcds: { source: { ads: {}, resource_api_version: "V3" }, timeout: "1s" },
  },
};

/** `spec` of a fence's EnvoyFilter. */
export function fenceFilterSpec(input: FilterInput): EnvoyFilter["spec"] {
  return filterSpec("onDemand", input.labels, [
    ...(input.redirect ? CATCH_ALL_HOSTS.flatMap((name) => redirectPatches(name, input)) : []),
    accessLoggerPatch(HTTP_CONNECTION_MANAGER, input),
    ...(input.logTcp ? [accessLoggerPatch(TCP_PROXY, input)] : []),
    ...httpFilterPatches(input.onDemand ? [ON_DEMAND] : [], OUTBOUND),
  ]);
}

/** Whether an EnvoyFilter of ours has the on_demand filter. */
export function hasOnDemand({ spec }: EnvoyFilter): boolean {
  return spec.configPatches.some(({ patch: { value } }) => typeof value === "object" && "name" in value && value.name === ON_DEMAND.name);
}

/** Whether an EnvoyFilter of ours sends calls to unknown hosts to the global sidecar. */
export function hasRedirect({ spec }: EnvoyFilter): boolean {
  return spec.configPatches.some(
    ({ patch: { value } }) => typeof value === "object" && value !== null && "name" in value && value.name === FALLBACK_ROUTE,
  );
}

/**
 * Routes before Istio's own catch-all route, which stays after them for everything that no
 * expression matches.
 */
function redirectPatches(virtualHost: string, { key, config }: FilterInput): readonly ConfigPatch[] {
  const toFallback = (name: string, expression: string) => fallbackRoute({ name, expression, config, key, virtualHost });
  const fallback = toFallback(FALLBACK_ROUTE, fallbackExpression(config));
  const dispatches = orderedDispatches(config.fallback.dispatches).map((dispatch) => {
    const expression = dispatchExpression(dispatch);
    return dispatch.cluster === GLOBAL_SIDECAR ? toFallback(dispatch.name, expression) : route(dispatch.name, expression, dispatch.cluster);
  });
  return routesFirst({ ...OUTBOUND, virtualHost }, [...dispatches, fallback]);
}

/**
 * Envoy's default route timeout of 15 s would cut slow first calls (slime#210). So the route has
 * none, and the caller's own timeout counts.
 */
function route(name: string, expression: string, cluster: string): { readonly [field: string]: EnvoyValue } {
  return {
    name,
    match: { prefix: "/", headers: [{ name: ":authority", string_match: { safe_regex: { regex: expression } } }] },
    route: { cluster, timeout: "0s" },
  };
}

interface FallbackRoute {
  readonly name: string;
  readonly expression: string;
  readonly config: Config;
  readonly key: FenceKey;
  readonly virtualHost: string;
}

function fallbackRoute({ name, expression, config, key, virtualHost }: FallbackRoute): EnvoyValue {
  const cluster = outboundCluster(config.fallback.port, config.fallback.service, config);
  return {
    ...route(name, expression, cluster),
    request_headers_to_add: [
      overwrite(FENCE_SOURCE, formatFenceKey(key)),
      overwrite(ORIGINAL_DESTINATION, "%DOWNSTREAM_LOCAL_ADDRESS%"),
      overwrite(SOURCE_NAMESPACE, key.namespace),
      ...(virtualHost === REGISTRY_ONLY_HOST ? [overwrite(OUTBOUND_POLICY, "registry-only")] : []),
    ],
  };
}

/** It overwrites, so that an application cannot name another fence. */
function overwrite(key: string, value: string): EnvoyValue {
  return { header: { key, value }, append_action: "OVERWRITE_IF_EXISTS_OR_ADD" };
}

/** Adds an access logger to every filter with that name. A user's own loggers stay. */
function accessLoggerPatch(filter: typeof HTTP_CONNECTION_MANAGER | typeof TCP_PROXY, input: FilterInput): ConfigPatch {
  const isHttp = filter === HTTP_CONNECTION_MANAGER;
  return mergedInto(
    { applyTo: "NETWORK_FILTER", filter, ...OUTBOUND },
    {
      // A connection that is open for longer than the idle window is reported four times a window.
      // Otherwise its host would age out while it is in use.
      access_log_options: { access_log_flush_interval: seconds(Math.max(1_000, input.idleWindow / 4)) },
      access_log: [accessLogger(isHttp ? "http_grpc" : "tcp_grpc", isHttp ? "HttpGrpcAccessLogConfig" : "TcpGrpcAccessLogConfig", input)],
    },
  );
}

function accessLogger(name: string, type: string, { key, config }: FilterInput): EnvoyValue {
  const { collector, telemetry, namespace, clusterDomain } = config;
  return {
    name: `envoy.access_loggers.${name}`,
    ...(telemetry.sampling < 100 && { filter: samplingFilter(telemetry.sampling) }),
    typed_config: {
      "@type": `type.googleapis.com/envoy.extensions.access_loggers.grpc.v3.${type}`,
      common_config: {
        log_name: fenceLogName(key),
        transport_api_version: "V3",
        buffer_flush_interval: seconds(durationMs(telemetry.flushInterval)),
        grpc_service: {
          envoy_grpc: {
            cluster_name: outboundCluster(collector.port, collector.service, config),
            // The default authority is the cluster's name, and because of its `|` the receiving
            // Envoy refuses the stream.
            authority: `${collector.service}.${namespace}.svc.${clusterDomain}`,
          },
        },
      },
    },
  };
}

function samplingFilter(percentage: number): EnvoyValue {
  return {
    runtime_filter: {
      runtime_key: "fenceline.access_log.sampling",
      percent_sampled: { numerator: Math.max(1, Math.round(percentage * 10_000)), denominator: "MILLION" },
      use_independent_randomness: true,
    },
  };
}
