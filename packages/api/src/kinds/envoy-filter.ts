/**
 * The words of Istio's EnvoyFilter, so that every renderer has the same types for its patches.
 * @see https://istio.io/latest/docs/reference/config/networking/envoy-filter/
 */

import { isJsonObject } from "../json-object.ts";

/** A value of Envoy's configuration, as JSON. */
export type EnvoyValue = string | number | boolean | readonly EnvoyValue[] | { readonly [field: string]: EnvoyValue };

/** Which listeners and routes of a proxy are meant: those for calls to it, or from it. */
export type PatchContext = "ANY" | "SIDECAR_INBOUND" | "SIDECAR_OUTBOUND" | "GATEWAY";

/** Which proxies are meant. Both are regular expressions, or exact values, of what they say. */
export interface ProxyMatch {
  readonly proxyVersion?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** A network filter, and one of the HTTP filters in it. */
export interface NetworkFilterMatch {
  readonly name: string;
  readonly subFilter?: { readonly name: string };
}

interface ListenerMatch {
  readonly name?: string;
  readonly portNumber?: number;
  readonly listenerFilter?: string;
  readonly filterChain?: {
    readonly name?: string;
    readonly sni?: string;
    readonly transportProtocol?: string;
    readonly applicationProtocols?: string;
    readonly destinationPort?: number;
    readonly filter?: NetworkFilterMatch;
  };
}

interface RouteConfigurationMatch {
  readonly name?: string;
  readonly portNumber?: number;
  readonly portName?: string;
  /** `<namespace>/<name>` of a Gateway. */
  readonly gateway?: string;
  readonly vhost?: {
    readonly name?: string;
    readonly domainName?: string;
    readonly route?: { readonly name?: string; readonly action?: "ANY" | "ROUTE" | "REDIRECT" | "DIRECT_RESPONSE" };
  };
}

interface ClusterMatch {
  readonly name?: string;
  readonly service?: string;
  readonly subset?: string;
  readonly portNumber?: number;
}

/** What becomes of what matches. INSERT_* are for what has an order: filters and routes. */
type Patch =
  | {
      readonly operation: "ADD" | "MERGE" | "REPLACE" | "INSERT_FIRST" | "INSERT_BEFORE" | "INSERT_AFTER";
      readonly value: EnvoyValue;
      /** Where Istio is to put a filter that names no other. */
      readonly filterClass?: "AUTHN" | "AUTHZ" | "STATS";
    }
  | { readonly operation: "REMOVE"; readonly value?: undefined };

interface PatchOf<ApplyTo extends string, Match> {
  readonly applyTo: ApplyTo;
  /** Default: everything of its sort, in every proxy of the selector. */
  readonly match?: { readonly context?: PatchContext; readonly proxy?: ProxyMatch } & Match;
  readonly patch: Patch;
}

/** One patch. What can be matched depends on what it applies to. */
export type ConfigPatch =
  | PatchOf<
      "LISTENER" | "LISTENER_FILTER" | "FILTER_CHAIN" | "NETWORK_FILTER" | "HTTP_FILTER",
      { readonly listener?: ListenerMatch; readonly routeConfiguration?: undefined; readonly cluster?: undefined }
    >
  | PatchOf<
      "ROUTE_CONFIGURATION" | "VIRTUAL_HOST" | "HTTP_ROUTE",
      { readonly routeConfiguration?: RouteConfigurationMatch; readonly listener?: undefined; readonly cluster?: undefined }
    >
  | PatchOf<"CLUSTER", { readonly cluster?: ClusterMatch; readonly listener?: undefined; readonly routeConfiguration?: undefined }>
  | PatchOf<
      "EXTENSION_CONFIG" | "BOOTSTRAP",
      { readonly cluster?: undefined; readonly listener?: undefined; readonly routeConfiguration?: undefined }
    >;

/**
 * Patches by what they apply to, where, and the name of what they bring:
 * `VIRTUAL_HOST SIDECAR_OUTBOUND b.shop.svc.cluster.local:80`. Several may have one name.
 */
export function patchesByName(patches: readonly ConfigPatch[]): ReadonlyMap<string, readonly ConfigPatch[]> {
  return Map.groupBy(patches, ({ applyTo, match = {}, patch: { operation, value } }) => {
    const brings = isJsonObject(value) && typeof value.name === "string" ? [operation, value.name] : [];
    return [applyTo, ...scalarsIn(match), ...brings].join(" ");
  });
}

function scalarsIn(value: unknown): readonly string[] {
  return isJsonObject(value) ? Object.values(value).flatMap(scalarsIn) : [String(value)];
}
