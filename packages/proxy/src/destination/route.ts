import { LRUCache } from "lru-cache";
import { Refusal } from "../refusal.ts";
import type { ReportedEdge } from "../report/edge-reports.ts";
import { type Authorized, authorize, type ServingPolicy } from "./authorize.ts";
import { hopMark } from "./hop.ts";
import { type Destination, parseDestination } from "./parse-destination.ts";
import type { RequestHead } from "./request-head.ts";

/** Steps 1 and 2 for one combination of header values. */
export interface Route {
  readonly destination: Destination;
  readonly authorized: Authorized;
  /** See hop.ts. */
  readonly hopMark: string;
  /** When this edge was last reported, in milliseconds since the epoch; 0 for never. The reporting step keeps it here. */
  reportedAt: number;
  /** What was last reported. Most requests of an edge end alike, and the same object spares the reporter comparing texts. */
  report: ReportedEdge | undefined;
}

/** The header fields that a route depends on, besides Host. */
export type RoutingFields = Pick<RequestHead, "source" | "originalDestination" | "sourceNamespace">;

/** Finds the route of a request. */
export interface Router {
  /** @param authority see effectiveAuthority */
  route(fields: RoutingFields, authority: string): Route | Refusal;
  /** Combinations that are remembered. */
  readonly size: number;
}

const MAX_ROUTES = 10_000;

/**
 * Steps 1 and 2 are pure functions of four header values, and a mesh has far fewer combinations of them than requests.
 * So the outcome is remembered, refusals too; the bound keeps made-up hosts from growing it.
 */
export function createRouter(policy: ServingPolicy): Router {
  const routes = new LRUCache<string, Route | Refusal>({ max: MAX_ROUTES });

  return {
    route(fields, authority) {
      // Header values hold no line feed, so no two combinations share a key.
      const key = `${authority}\n${fields.source ?? ""}\n${fields.originalDestination ?? ""}\n${fields.sourceNamespace ?? ""}`;
      const known = routes.get(key);
      if (known !== undefined) return known;
      const route = routeFor(fields, authority, policy);
      routes.set(key, route);
      return route;
    },
    get size() {
      return routes.size;
    },
  };
}

function routeFor(fields: RoutingFields, authority: string, policy: ServingPolicy): Route | Refusal {
  const { originalDestination, source, sourceNamespace } = fields;
  const destination = parseDestination({ authority, originalDestination, source, sourceNamespace });
  if (destination instanceof Refusal) return destination;
  const authorized = authorize(destination, policy);
  if (authorized instanceof Refusal) return authorized;
  return { destination, authorized, hopMark: hopMark(destination.named.host, destination.port), reportedAt: 0, report: undefined };
}
