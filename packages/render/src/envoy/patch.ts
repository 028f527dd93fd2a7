/**
 * EnvoyFilter patches, by what they do to an Envoy's configuration. Each kind decides about the
 * content; this file knows how to tell Istio where it goes.
 */
import type { Config, ConfigPatch, EnvoyValue, NetworkFilterMatch, PatchContext, ProxyMatch } from "@fenceline/api";

export const HTTP_CONNECTION_MANAGER = "envoy.filters.network.http_connection_manager";
export const TCP_PROXY = "envoy.filters.network.tcp_proxy";

/** The messages that configure the network filters that we patch. */
const NETWORK_FILTERS = {
  [HTTP_CONNECTION_MANAGER]: "http_connection_manager.v3.HttpConnectionManager",
  [TCP_PROXY]: "tcp_proxy.v3.TcpProxy",
} as const;

/** Listeners of a proxy. */
export interface ListenerPlace {
  readonly context: PatchContext;
  /** Default: all of them. */
  readonly portNumber?: number;
  /** Default: in every proxy of the selector. */
  readonly proxy?: ProxyMatch;
}

/** Virtual hosts of a proxy, and routes in them. */
export interface RoutePlace {
  readonly context: PatchContext;
  /** Name of the route configuration: `inbound|<port of the pods>||`. Default: all of them. */
  readonly configuration?: string;
  /** In Istio's notation: `inbound|http|<port>`, `<host>:<port>`. Default: all of them. */
  readonly virtualHost?: string;
  /** `default` for a route without a name. Default: all routes of the virtual host. */
  readonly route?: string;
  /** Default: in every proxy of the selector. */
  readonly proxy?: ProxyMatch;
}

/** Clusters of a proxy. */
export interface ClusterPlace {
  readonly context: PatchContext;
  /** Host of a Service; all its clusters match. Default: every cluster. */
  readonly service?: string;
  /** Port of the Service. Default: all of them. */
  readonly portNumber?: number;
  /** Default: in every proxy of the selector. */
  readonly proxy?: ProxyMatch;
}

/** Route configurations of a proxy. */
interface RouteConfigurationPlace {
  readonly context: PatchContext;
  /** In Istio's notation: the port at a sidecar, `http.<port>` at a gateway. Default: all. */
  readonly name?: string;
  /** Default: in every proxy of the selector. */
  readonly proxy?: ProxyMatch;
}

/** What fields are merged into. */
export type MergeTarget =
  | ({ readonly applyTo: "NETWORK_FILTER"; readonly filter: keyof typeof NETWORK_FILTERS } & ListenerPlace)
  | ({ readonly applyTo: "HTTP_FILTER" } & HttpFilterTarget & ListenerPlace)
  | ({ readonly applyTo: "LISTENER" } & ListenerPlace)
  | ({ readonly applyTo: "ROUTE_CONFIGURATION" } & RouteConfigurationPlace)
  | ({ readonly applyTo: "HTTP_ROUTE" | "VIRTUAL_HOST" } & RoutePlace)
  | ({ readonly applyTo: "CLUSTER" } & ClusterPlace);

/** An HTTP filter that is in the chain. */
interface HttpFilterTarget {
  readonly filter: string;
  /** `@type` of its configuration: Istio does not merge into one of another type. */
  readonly type: string;
}

type Fields = Readonly<Record<string, EnvoyValue>>;

/**
 * Inserts routes before all others of a virtual host, in this order.
 *
 * INSERT_FIRST puts each patch before the earlier ones, so the patches go from the last route to
 * the first.
 */
export function routesFirst(place: RoutePlace, routes: readonly EnvoyValue[]): readonly ConfigPatch[] {
  return routes.toReversed().map((value) => ({
    applyTo: "HTTP_ROUTE",
    match: routeMatch(place),
    patch: { operation: "INSERT_FIRST", value },
  }));
}

/**
 * Merges fields into everything of one sort in a place: listeners, filters, routes, clusters. MERGE
 * appends to a repeated field, so what a user has there stays. In a map it replaces whole entries:
 * if two patches set one filter's configuration for a route, the later one counts.
 */
export function mergedInto(target: MergeTarget, fields: Fields): ConfigPatch {
  const merge = (value: EnvoyValue) => ({ operation: "MERGE", value }) as const;
  switch (target.applyTo) {
    case "NETWORK_FILTER": {
      const { applyTo, filter: name } = target;
      const typed_config = { "@type": `type.googleapis.com/envoy.extensions.filters.network.${NETWORK_FILTERS[name]}`, ...fields };
      return { applyTo, match: listenerMatch(target, { name }), patch: merge({ name, typed_config }) };
    }
    case "HTTP_FILTER": {
      const { applyTo, filter: name, type } = target;
      const match = listenerMatch(target, { name: HTTP_CONNECTION_MANAGER, subFilter: { name } });
      return { applyTo, match, patch: merge({ name, typed_config: { "@type": type, ...fields } }) };
    }
    case "LISTENER":
      return { applyTo: target.applyTo, match: listenerMatch(target), patch: merge(fields) };
    case "ROUTE_CONFIGURATION":
      return { applyTo: target.applyTo, match: routeConfigurationMatch(target), patch: merge(fields) };
    case "CLUSTER":
      return { applyTo: target.applyTo, match: clusterMatch(target), patch: merge(fields) };
    default:
      return { applyTo: target.applyTo, match: routeMatch(target), patch: merge(fields) };
  }
}

/** Adds a cluster that Istio does not make, for calls by what is rendered. */
export function clusterAdded({ context, proxy }: Pick<ClusterPlace, "context" | "proxy">, cluster: EnvoyValue): ConfigPatch {
  return { applyTo: "CLUSTER", match: { context, ...(proxy && { proxy }) }, patch: { operation: "ADD", value: cluster } };
}

/**
 * Adds a configuration that Envoy discovers by its name (ECDS), for a filter that was inserted
 * without one.
 */
export function extensionConfigAdded(name: string, config: HttpFilterConfig): ConfigPatch {
  return { applyTo: "EXTENSION_CONFIG", patch: { operation: "ADD", value: { name, typed_config: config } } };
}

/** A filter's configuration, with the `@type` of its message. */
export interface HttpFilterConfig {
  readonly "@type": string;
  readonly [field: string]: EnvoyValue;
}

/** Matches the listeners of a place, or a network filter in them, or an HTTP filter in that. */
export function listenerMatch({ context, portNumber, proxy }: ListenerPlace, filter?: NetworkFilterMatch) {
  const listener = { ...(portNumber !== undefined && { portNumber }), ...(filter && { filterChain: { filter } }) };
  return { context, ...(proxy && { proxy }), listener };
}

function clusterMatch({ context, service, portNumber, proxy }: ClusterPlace) {
  const cluster = { ...(service !== undefined && { service }), ...(portNumber !== undefined && { portNumber }) };
  return { context, ...(proxy && { proxy }), cluster };
}

function routeConfigurationMatch({ context, name, proxy }: RouteConfigurationPlace) {
  return { context, ...(proxy && { proxy }), routeConfiguration: { ...(name !== undefined && { name }) } };
}

function routeMatch({ context, configuration: name, virtualHost, route, proxy }: RoutePlace) {
  const vhost = {
    ...(virtualHost !== undefined && { name: virtualHost }),
    ...(route !== undefined && { route: { name: route } }),
  };
  return { context, ...(proxy && { proxy }), routeConfiguration: { ...(name !== undefined && { name }), vhost } };
}

/** Istio's name of the cluster of a Service port of Fenceline's namespace. */
export function outboundCluster(port: number, service: string, { namespace, clusterDomain }: Config): string {
  return `outbound|${port}||${service}.${namespace}.svc.${clusterDomain}`;
}

/** Protobuf's JSON form of a duration, which has at most nine digits after the point. */
export function seconds(milliseconds: number): string {
  return `${Number((milliseconds / 1_000).toFixed(9))}s`;
}
