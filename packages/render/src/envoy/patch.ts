/**
 * EnvoyFilter patches by what they do to an Envoy's configuration. What goes in is for the kind to
 * say; how Istio is asked to put it there stands here.
 */
import type { Config, ConfigPatch, EnvoyValue } from "@fenceline/api";

export const HTTP_CONNECTION_MANAGER = "envoy.filters.network.http_connection_manager";
export const TCP_PROXY = "envoy.filters.network.tcp_proxy";

/** The messages that configure the network filters that we patch. */
const NETWORK_FILTERS = {
  [HTTP_CONNECTION_MANAGER]: "http_connection_manager.v3.HttpConnectionManager",
  [TCP_PROXY]: "tcp_proxy.v3.TcpProxy",
} as const;

/**
 * Routes in front of all that a virtual host of outbound calls has, in this order.
 *
 * INSERT_FIRST puts each patch in front of the ones before it, so they are given from the last
 * route to the first.
 */
export function routesFirst(virtualHost: string, routes: readonly EnvoyValue[]): readonly ConfigPatch[] {
  return routes.toReversed().map((value) => ({
    applyTo: "HTTP_ROUTE",
    match: { context: "SIDECAR_OUTBOUND", routeConfiguration: { vhost: { name: virtualHost } } },
    patch: { operation: "INSERT_FIRST", value },
  }));
}

/**
 * Fields for every network filter of that name in outbound listeners. MERGE appends to a repeated
 * field, so what a user has there stays.
 */
export function mergedIntoFilter(name: keyof typeof NETWORK_FILTERS, fields: Readonly<Record<string, EnvoyValue>>): ConfigPatch {
  return {
    applyTo: "NETWORK_FILTER",
    match: { context: "SIDECAR_OUTBOUND", listener: { filterChain: { filter: { name } } } },
    patch: {
      operation: "MERGE",
      value: {
        name,
        typed_config: { "@type": `type.googleapis.com/envoy.extensions.filters.network.${NETWORK_FILTERS[name]}`, ...fields },
      },
    },
  };
}

/** Istio's name of the cluster of a Service port of Fenceline's namespace. */
export function outboundCluster(port: number, service: string, { namespace, clusterDomain }: Config): string {
  return `outbound|${port}||${service}.${namespace}.svc.${clusterDomain}`;
}

/** Protobuf's JSON form of a duration. */
export function seconds(milliseconds: number): string {
  return `${milliseconds / 1_000}s`;
}
