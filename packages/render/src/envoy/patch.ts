/**
 * EnvoyFilter patches by what they do to an Envoy's configuration. What goes in is for the kind to
 * say; how Istio is asked to put it there stands here.
 */
import type { Config, ConfigPatch, EnvoyValue, NetworkFilterMatch, PatchContext, ProxyMatch } from "@fenceline/api";

export const HTTP_CONNECTION_MANAGER = "envoy.filters.network.http_connection_manager";
export const TCP_PROXY = "envoy.filters.network.tcp_proxy";

/** The messages that configure the network filters that we patch. */
const NETWORK_FILTERS = {
  [HTTP_CONNECTION_MANAGER]: "http_connection_manager.v3.HttpConnectionManager",
  [TCP_PROXY]: "tcp_proxy.v3.TcpProxy",
} as const;

/** The listeners of a proxy that are meant. */
export interface ListenerPlace {
  readonly context: PatchContext;
  /** Default: all of them. */
  readonly portNumber?: number;
  /** Default: in every proxy of the selector. */
  readonly proxy?: ProxyMatch;
}

/** The virtual hosts of a proxy that are meant, and the routes in them. */
export interface RoutePlace {
  readonly context: PatchContext;
  /** As Istio names it: `inbound|http|<port>`, `<host>:<port>`. Default: each. */
  readonly virtualHost?: string;
  /** `default` where nobody gave the route a name. Default: each of the virtual host. */
  readonly route?: string;
  /** Default: in every proxy of the selector. */
  readonly proxy?: ProxyMatch;
}

/** What fields are merged into. */
export type MergeTarget =
  | ({ readonly applyTo: "NETWORK_FILTER"; readonly filter: keyof typeof NETWORK_FILTERS } & ListenerPlace)
  | ({ readonly applyTo: "HTTP_ROUTE" | "VIRTUAL_HOST" } & RoutePlace);

type Fields = Readonly<Record<string, EnvoyValue>>;

/**
 * Routes in front of all that a virtual host has, in this order.
 *
 * INSERT_FIRST puts each patch in front of the ones before it, so they are given from the last
 * route to the first.
 */
export function routesFirst(place: RoutePlace, routes: readonly EnvoyValue[]): readonly ConfigPatch[] {
  return routes.toReversed().map((value) => ({
    applyTo: "HTTP_ROUTE",
    match: routeMatch(place),
    patch: { operation: "INSERT_FIRST", value },
  }));
}

/**
 * Fields for every network filter of a name, route or virtual host in a place. MERGE appends to a
 * repeated field, so what a user has there stays; of a map it replaces whole entries, so of two
 * patches that set one filter's configuration for a route the later one counts.
 */
export function mergedInto(target: MergeTarget, fields: Fields): ConfigPatch {
  if (target.applyTo !== "NETWORK_FILTER")
    return { applyTo: target.applyTo, match: routeMatch(target), patch: { operation: "MERGE", value: fields } };
  const { applyTo, filter: name } = target;
  const typed_config = { "@type": `type.googleapis.com/envoy.extensions.filters.network.${NETWORK_FILTERS[name]}`, ...fields };
  return { applyTo, match: listenerMatch(target, { name }), patch: { operation: "MERGE", value: { name, typed_config } } };
}

/** The match of a network filter, or of a filter in it, in the listeners of a place. */
export function listenerMatch({ context, portNumber, proxy }: ListenerPlace, filter: NetworkFilterMatch) {
  const listener = { ...(portNumber !== undefined && { portNumber }), filterChain: { filter } };
  return { context, ...(proxy && { proxy }), listener };
}

function routeMatch({ context, virtualHost, route, proxy }: RoutePlace) {
  const vhost = {
    ...(virtualHost !== undefined && { name: virtualHost }),
    ...(route !== undefined && { route: { name: route } }),
  };
  return { context, ...(proxy && { proxy }), routeConfiguration: { vhost } };
}

/** Istio's name of the cluster of a Service port of Fenceline's namespace. */
export function outboundCluster(port: number, service: string, { namespace, clusterDomain }: Config): string {
  return `outbound|${port}||${service}.${namespace}.svc.${clusterDomain}`;
}

/** Protobuf's JSON form of a duration. */
export function seconds(milliseconds: number): string {
  return `${milliseconds / 1_000}s`;
}
