import type { LimitTarget } from "@fenceline/api";
import type { RoutePlace } from "../envoy/patch.ts";

/** Where calls are counted: in routes of a proxy, or in a whole virtual host. */
export interface LimitPlace extends RoutePlace {
  readonly context: "SIDECAR_INBOUND" | "SIDECAR_OUTBOUND" | "GATEWAY";
  readonly applyTo: "HTTP_ROUTE" | "VIRTUAL_HOST";
  /** Port that the user wrote, for calls to the pods. {@link atPodPorts} resolves it. */
  readonly port?: number;
}

/** The ports on which pods listen, behind a port of theirs or of a Service. */
export type PodPorts = (port: number) => readonly number[];

/** The places of a target, or why it has none. */
export type PlacesOrFault = { readonly places: readonly LimitPlace[] } | { readonly fault: string };

/** Istio's name of the only route of an inbound virtual host. */
const INBOUND_ROUTE = "default";

/**
 * The places of a target.
 *
 * Calls to a workload have a route configuration for each port of the pods, with one route. Calls
 * by it, and through a gateway, are told apart by virtual host and route.
 */
export function placesOf({ direction, port = 0, route = [], host = [] }: LimitTarget, isGateway: boolean): PlacesOrFault {
  if (direction !== "outbound") {
    if (isGateway) return { fault: "a gateway takes no calls of its own: `direction: outbound` is what goes through it" };
    return { places: [{ applyTo: "HTTP_ROUTE", context: "SIDECAR_INBOUND", route: INBOUND_ROUTE, ...(port !== 0 && { port }) }] };
  }
  const context = isGateway ? "GATEWAY" : "SIDECAR_OUTBOUND";
  const nameless = route.find((each) => !/^[^/]*\/./.test(each));
  if (nameless !== undefined) return { fault: `route ${JSON.stringify(nameless)} is not <virtual host>/<name of the route>` };
  const routes = route.map((each): LimitPlace => {
    // The name of a route may have a slash, that of a virtual host has none.
    const slash = each.indexOf("/");
    const virtualHost = each.slice(0, slash);
    const name = each.slice(slash + 1);
    return { applyTo: "HTTP_ROUTE", context, route: name, ...(virtualHost !== "" && { virtualHost: withPort(virtualHost, port) }) };
  });
  // If both are given, Slime uses the routes.
  const hosts =
    route.length > 0 ? [] : host.map((each): LimitPlace => ({ applyTo: "VIRTUAL_HOST", context, virtualHost: withPort(each, port) }));
  if (routes.length + hosts.length === 0) return { fault: "`direction: outbound` needs `route` or `host`" };
  return { places: [...routes, ...hosts] };
}

/**
 * A place by the ports of the pods.
 *
 * A virtual host cannot be used: istiod names it by the port of the oldest Service in front of a
 * port of the pods, whichever Service is called. The route configuration has the pods' own port.
 */
export function atPodPorts({ port, ...place }: LimitPlace, podPorts: PodPorts): readonly LimitPlace[] {
  return port === undefined ? [place] : podPorts(port).map((each) => ({ ...place, configuration: `inbound|${each}||` }));
}

/** Whether the place covers every virtual host, so that it counts every call of narrower ones. */
export function isWide({ virtualHost, configuration, port }: LimitPlace): boolean {
  return virtualHost === undefined && configuration === undefined && port === undefined;
}

/** The text of the place that covers every virtual host, and so counts every call of this one. */
export function widePlaceText({ virtualHost: _, configuration: __, port: ___, ...place }: LimitPlace): string {
  return placeText(place);
}

/** The same text for the same place. Hosts and routes may have any characters. */
export function placeText({ context, applyTo, port = 0, configuration = "", virtualHost = "", route = "" }: LimitPlace): string {
  return JSON.stringify([context, applyTo, port, configuration, virtualHost, route]);
}

/** Istio's names of outbound virtual hosts end with the port. */
function withPort(host: string, port: number): string {
  return port === 0 || host.endsWith(`:${port}`) ? host : `${host}:${port}`;
}
