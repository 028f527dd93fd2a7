import { LRUCache } from "lru-cache";
import { Refusal } from "../refusals/refusal.ts";
import { type Authorized, authorize, type ServingPolicy } from "./authorize.ts";
import { type Certified, type Claim, claimOf } from "./client-certificate.ts";
import { hopMark } from "./hop.ts";
import { DEFAULT_HTTP_PORT, type Destination, parseDestination } from "./parse-destination.ts";
import type { ReportedEdge } from "./reported-edge.ts";
import type { RequestHead } from "./request-head.ts";

/** Steps 1 and 2 for one combination of header values. */
export interface Route {
  readonly destination: Destination;
  readonly authorized: Authorized;
  /** Whether its source was believed. */
  readonly claim: Claim;
  /** See hop.ts. */
  readonly hopMark: string;
  /**
   * When this edge was last reported, in milliseconds since the epoch; 0 for never. The reporting
   * step stores it here.
   */
  reportedAt: number;
  /**
   * The last report. Most requests of an edge end alike, and with the same object the reporter need
   * not compare texts.
   */
  report: ReportedEdge | undefined;
}

/** The header fields that a route depends on, besides Host. */
export type RoutingFields = Pick<RequestHead, "source" | "originalDestination" | "sourceNamespace" | "outbound">;

/** Finds the route of a request. */
export interface Router {
  /**
   * @param authority see effectiveAuthority
   * @param certified from the caller's certificate
   * @param isExcluded see claimOf. Default: it is not
   */
  route(fields: RoutingFields, authority: string, certified: Certified, isExcluded?: boolean): Route | Refusal;
  /** Combinations that are remembered. */
  readonly size: number;
}

const MAX_ROUTES = 10_000;
/**
 * Most characters of a combination that is remembered. Valid ones have at most some 600; others may
 * be as long as a header, and each may be new.
 */
const MAX_REMEMBERED = 1_024;

/**
 * Steps 1 and 2 are pure functions of a few header values, and a mesh has far fewer combinations of
 * them than requests. So results are remembered, including refusals; invented hosts cannot exceed
 * the limit.
 */
export function createRouter(policy: ServingPolicy): Router {
  const routes = new LRUCache<string, Route | Refusal>({ max: MAX_ROUTES });

  return {
    route(fields, authority, certified, isExcluded = false) {
      // Header values hold no line feed, so no two combinations share a key.
      const { source = "", originalDestination = "", sourceNamespace = "", outbound } = fields;
      // The cases must differ; a namespace never begins with a colon.
      const proof = certified === undefined ? ":" : (certified?.namespace ?? ":none") + (isExcluded ? ":excluded" : "");
      const key = `${authority}\n${source}\n${originalDestination}\n${sourceNamespace}\n${outbound === undefined ? "" : "registry"}\n${proof}`;
      if (key.length > MAX_REMEMBERED) return routeFor(fields, authority, { certified, isExcluded }, policy);
      const known = routes.get(key);
      if (known !== undefined) return known;
      const route = routeFor(fields, authority, { certified, isExcluded }, policy);
      routes.set(key, route);
      return route;
    },
    get size() {
      return routes.size;
    },
  };
}

/** What is known of a caller beside what it says. */
interface Proof {
  readonly certified: Certified;
  readonly isExcluded: boolean;
}

function routeFor(fields: RoutingFields, authority: string, { certified, isExcluded }: Proof, policy: ServingPolicy): Route | Refusal {
  const { originalDestination, source, sourceNamespace, outbound } = fields;
  const parsed = parseDestination({ authority, originalDestination, source, sourceNamespace });
  if (parsed instanceof Refusal) return parsed;
  const claim = claimOf(parsed.source, certified, isExcluded);
  const isProven = claim === "believed";
  // The EnvoyFilter writes the address and the fence's name. From any other caller the address is
  // only a wish.
  const destination = isProven || parsed.original === undefined ? parsed : withoutOriginal(parsed);
  const authorized = authorize(destination, policy, { isProven, registryOnly: outbound !== undefined, certified });
  if (authorized instanceof Refusal) return authorized;
  const mark = hopMark(destination.named.host, destination.port);
  return { destination, authorized, claim, hopMark: mark, reportedAt: Number.NEGATIVE_INFINITY, report: undefined };
}

function withoutOriginal(destination: Destination): Destination {
  return { ...destination, original: undefined, port: destination.named.port ?? DEFAULT_HTTP_PORT };
}
