import type { LimitTarget } from "@fenceline/api";
import type { RoutePlace } from "../envoy/patch.ts";

/** Where calls are counted: routes of a proxy, or a whole virtual host of it. */
export interface LimitPlace extends RoutePlace {
  readonly context: "SIDECAR_INBOUND" | "SIDECAR_OUTBOUND" | "GATEWAY";
  readonly applyTo: "HTTP_ROUTE" | "VIRTUAL_HOST";
}

/** The places of a target, or why it has none. */
export type PlacesOrFault = { readonly places: readonly LimitPlace[] } | { readonly fault: string };

/** Istio's name of the one route of an inbound virtual host. */
const INBOUND_ROUTE = "default";

/**
 * The places that a target names.
 *
 * Calls to a workload have a virtual host for each port, `inbound|http|<port>`, with one route.
 * Calls from it, and through a gateway, are told apart by virtual host and route.
 */
export function placesOf({ direction, port = 0, route = [], host = [] }: LimitTarget, isGateway: boolean): PlacesOrFault {
  if (direction !== "outbound") {
    if (isGateway) return { fault: "a gateway takes no calls of its own: `direction: outbound` is what goes through it" };
    const virtualHost = port === 0 ? undefined : `inbound|http|${port}`;
    return {
      places: [
        { applyTo: "HTTP_ROUTE", context: "SIDECAR_INBOUND", route: INBOUND_ROUTE, ...(virtualHost !== undefined && { virtualHost }) },
      ],
    };
  }
  const context = isGateway ? "GATEWAY" : "SIDECAR_OUTBOUND";
  const nameless = route.find((each) => !/^[^/]*\/./.test(each));
  if (nameless !== undefined) return { fault: `route ${JSON.stringify(nameless)} is not <virtual host>/<name of the route>` };
  const routes = route.map((each): LimitPlace => {
    // A route may have a slash in its name; a virtual host has none.
    const slash = each.indexOf("/");
    const virtualHost = each.slice(0, slash);
    const name = each.slice(slash + 1);
    return { applyTo: "HTTP_ROUTE", context, route: name, ...(virtualHost !== "" && { virtualHost: withPort(virtualHost, port) }) };
  });
  // Slime takes routes where it is given both.
  const hosts =
    route.length > 0 ? [] : host.map((each): LimitPlace => ({ applyTo: "VIRTUAL_HOST", context, virtualHost: withPort(each, port) }));
  if (routes.length + hosts.length === 0) return { fault: "`direction: outbound` needs `route` or `host`" };
  return { places: [...routes, ...hosts] };
}

/** The text of the place in every virtual host, which counts every call of this one. */
export function widePlaceText({ virtualHost: _, ...place }: LimitPlace): string {
  return placeText(place);
}

/** One text for one place. Hosts and routes may have any characters. */
export function placeText({ context, applyTo, virtualHost = "", route = "" }: LimitPlace): string {
  return JSON.stringify([context, applyTo, virtualHost, route]);
}

/** Istio names an outbound virtual host with its port. */
function withPort(host: string, port: number): string {
  return port === 0 || host.endsWith(`:${port}`) ? host : `${host}:${port}`;
}
