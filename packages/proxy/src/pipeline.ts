import type { IncomingMessage, ServerResponse } from "node:http";
import { HOP_HEADER, nextHops } from "./destination/hop.ts";
import { hasBody, type RequestHead, readRequestHead } from "./destination/request-head.ts";
import { effectiveAuthority, parseTarget } from "./destination/request-target.ts";
import type { Route } from "./destination/route.ts";
import { Exchange, type ForwardContext, type ForwardedRequest } from "./forward/exchange.ts";
import { hostFields } from "./forward/host-fields.ts";
import { RequestBody } from "./forward/request-body.ts";
import { Refusal } from "./refusal.ts";
import type { EdgeReports, PendingEdge } from "./report/edge-reports.ts";
import type { ProxyCounters } from "./report/metrics.ts";
import { resolveTargets } from "./resolve/resolve-targets.ts";
import { type Address, type Resolution, ResolutionError, type Resolver } from "./resolve/resolver.ts";

/** The parts that the steps work with. */
export interface PipelineParts {
  readonly router: (head: RequestHead, authority: string) => Route | Refusal;
  readonly resolver: Resolver;
  readonly forwarding: ForwardContext;
  readonly reports: EdgeReports;
  readonly counters: ProxyCounters;
  /** Namespace in a client certificate header; undefined where that header is not trusted. */
  readonly certifiedNamespace: ((header: string) => string | undefined) | undefined;
}

/** What the steps before the resolution make of a request. */
interface Planned {
  readonly head: RequestHead;
  readonly path: string;
  readonly authority: string;
  readonly route: Route;
  /** Value of the hop header to forward. */
  readonly hops: string;
}

/** Takes one request through all steps. @param awaitsContinue whether the client sent `Expect: 100-continue` */
export type RequestHandler = (request: IncomingMessage, response: ServerResponse, awaitsContinue: boolean) => Exchange;

/**
 * parseDestination → authorize → resolve → connect and forward → report.
 *
 * The order is this because each step is cheaper and safer than the next: syntax needs nothing, the policy on names needs no look-up,
 * a look-up opens no connection. So nothing is looked up for a host that would not be served, and nothing is dialled before the very
 * address that will be dialled has been checked. The report comes last, once the destination is known to exist: only what exists can
 * become an edge. Everything up to the connect runs within one turn of the event loop when the resolver answers at once.
 */
export function createPipeline(parts: PipelineParts): RequestHandler {
  return (request, response, awaitsContinue) => {
    const exchange = new Exchange(parts.forwarding, request, response);
    parts.counters.inFlight += 1;
    const planned = plan(request, parts.router);
    if (planned instanceof Refusal) {
      exchange.fail(planned);
      return exchange;
    }
    exchange.route = planned.route;
    const proceed = (resolution: Resolution) => {
      const forwarded = forwardedRequest(request, planned, resolution?.[0], awaitsContinue ? response : undefined);
      forward(parts, exchange, planned, resolution, forwarded);
    };
    const unresolvable = (error: unknown) => exchange.fail(...unresolved(error));
    try {
      const resolution = resolveTargets(parts.resolver, planned.route.authorized.targets);
      if (resolution instanceof Promise) resolution.then(proceed).catch(unresolvable);
      else proceed(resolution);
    } catch (error) {
      unresolvable(error);
    }
    return exchange;
  };
}

/** Steps 1 and 2, and the guard against loops. */
function plan(request: IncomingMessage, router: PipelineParts["router"]): Planned | Refusal {
  const head = readRequestHead(request.rawHeaders);
  if (head instanceof Refusal) return head;
  // llhttp takes HTTP/0.9 and an announced 2.0 for requests like any other.
  if (request.httpVersionMajor !== 1) return new Refusal("REQUEST_MALFORMED", "the request is not HTTP/1.1 or HTTP/1.0");
  if (request.method === "TRACE") return new Refusal("METHOD_REFUSED", "TRACE is not forwarded");
  const target = parseTarget(request.url ?? "");
  if (target instanceof Refusal) return target;
  const authority = effectiveAuthority(head, target);
  if (authority instanceof Refusal) return authority;
  const route = router(head, authority);
  if (route instanceof Refusal) return route;
  const hops = nextHops(head.hop, route.hopMark);
  if (hops === undefined) return new Refusal("LOOP", "the request was forwarded to this destination before");
  return { head, path: target.path, authority, route, hops };
}

/** @param address one of the destination's: they differ in nothing that a header tells */
function forwardedRequest(
  request: IncomingMessage,
  { head, path, authority, route, hops }: Planned,
  address: Address | undefined,
  awaitsContinue: ServerResponse | undefined,
): ForwardedRequest {
  head.forwarded.push(...hostFields(authority, route.destination.named, address), HOP_HEADER, hops);
  const body = hasBody(head) ? new RequestBody(request, awaitsContinue) : undefined;
  return { method: request.method ?? "GET", path, headers: head.forwarded, body };
}

/** Steps 4 to 6. */
function forward(
  parts: PipelineParts,
  exchange: Exchange,
  { head, route }: Planned,
  resolution: Resolution,
  request: ForwardedRequest,
): void {
  if (resolution === undefined) {
    exchange.fail(route.authorized.unknown);
    return;
  }
  exchange.edge = edgeOf(parts, head, route);
  if (resolution.length === 0) exchange.fail(NO_ENDPOINTS);
  else exchange.forward(request, resolution);
  // Only now: had the address been refused, there would be nothing to learn.
  if (exchange.edge !== undefined) parts.reports.forwarded(exchange.edge);
}

const NO_ENDPOINTS = new Refusal("NO_ENDPOINTS", "the service has no ready endpoint for this port");

/** What step 6 reports; undefined when it is nobody's call that we know. */
function edgeOf({ counters, certifiedNamespace }: PipelineParts, head: RequestHead, route: Route): PendingEdge | undefined {
  const { source } = route.destination;
  if (source === undefined) {
    counters.notReported("NO_SOURCE");
    return undefined;
  }
  const certified = head.clientCertificate === undefined ? undefined : certifiedNamespace?.(head.clientCertificate);
  // The claim is a header, the certificate a proof. Who claims another namespace could otherwise widen somebody else's fence.
  if (certified !== undefined && certified !== source.namespace) {
    counters.notReported("IDENTITY_MISMATCH");
    return undefined;
  }
  return { route, source, reported: false };
}

function unresolved(error: unknown): [Refusal, Error | undefined] {
  const timedOut = error instanceof ResolutionError && error.timedOut;
  const refusal = timedOut
    ? new Refusal("RESOLUTION_TIMED_OUT", "the name server did not answer in time")
    : new Refusal("RESOLUTION_FAILED", "the name server failed");
  return [refusal, error instanceof Error ? error : undefined];
}
