import type { Call, CallEdge, ConnectionPipeline, Pipeline } from "./calls/call.ts";
import type { ForwardedRequest, ReceivedRequest } from "./calls/request.ts";
import type { Certified } from "./destination/client-certificate.ts";
import { REACH } from "./destination/external-policy.ts";
import { HOP_HEADER, nextHops } from "./destination/hop.ts";
import { AUTHORITY_HEADER, hostFields } from "./destination/host-fields.ts";
import { hasBody, type RequestHead, readRequestHead } from "./destination/request-head.ts";
import { effectiveAuthority, parseTarget } from "./destination/request-target.ts";
import type { Route, Router, RoutingFields } from "./destination/route.ts";
import type { Judge, Judged } from "./destination/verdicts.ts";
import { Refusal } from "./refusals/refusal.ts";
import type { CallsInFlight } from "./report/calls-in-flight.ts";
import type { DecisionLog } from "./report/decision-log.ts";
import type { EdgeReports } from "./report/edge-reports.ts";
import type { ProxyCounters } from "./report/metrics.ts";
import { resolveTargets } from "./resolve/resolve-targets.ts";
import { type Address, type Resolution, ResolutionError, type Resolver } from "./resolve/resolver.ts";

/** The parts that the steps use. */
export interface PipelineParts {
  /** Why no request is admitted now, whatever its target. */
  readonly admit: () => Refusal | undefined;
  /** Why a request of this caller is not admitted. Its route is known then. */
  readonly share: (route: Route) => Refusal | undefined;
  readonly router: Router;
  readonly resolver: Resolver;
  readonly judge: Judge;
  readonly reports: EdgeReports;
  readonly counters: ProxyCounters;
  readonly calls: CallsInFlight;
  /** Undefined unless level debug is logged. */
  readonly decisions?: DecisionLog | undefined;
  /** Identity in a client certificate header. */
  readonly certified: (header: string | undefined) => Certified;
  /** Whether the fence that a request names does not believe this identity. Default: none does. */
  readonly excludes?: ((source: string, serviceAccount: string) => boolean) | undefined;
}

/** The result of the steps before the resolution. */
interface AuthorizedRequest {
  readonly method: string;
  readonly head: RequestHead;
  readonly path: string;
  readonly authority: string;
  readonly route: Route;
  /** Value of the hop header to forward. */
  readonly hops: string;
}

/**
 * admit → parse and authorize → resolve → judge → connect and forward → report.
 *
 * Each step is cheaper and safer than the next: the syntax needs nothing, the policy on names needs
 * no look-up, a look-up opens no connection. So a host that is not served is not looked up, and an
 * address is checked before it is connected. The report comes last, when the destination is known
 * to exist: only then it can become an edge. Everything up to the connect runs within one turn of
 * the event loop if the resolver answers synchronously.
 */
export function createPipeline(parts: PipelineParts): Pipeline {
  return (exchange, request, refused) => {
    const { call } = exchange;
    parts.calls.begin(call);
    parts.decisions?.received(call, request.rawHeaders);
    const authorized = parts.admit() ?? refused ?? parseAndAuthorize(request, parts);
    if (authorized instanceof Refusal) call.fail(authorized);
    else
      withAddresses(parts, call, authorized.route, (addresses) => exchange.forward(forwardedRequest(authorized, addresses[0]), addresses));
  };
}

/** The same steps for a connection that is not readable HTTP: only its destination is known. */
export function createConnectionPipeline(parts: PipelineParts): ConnectionPipeline {
  return (exchange, authority) => {
    const { call } = exchange;
    parts.calls.begin(call);
    const route = parts.router.route(NO_FIELDS, authority, undefined);
    if (route instanceof Refusal) call.fail(route);
    else withAddresses(parts, call, route, (addresses) => exchange.connect(addresses));
  };
}

const NO_FIELDS: RoutingFields = {
  source: undefined,
  sourceNamespace: undefined,
  originalDestination: undefined,
  outbound: undefined,
};

/** Steps 1 and 2, and the guard against loops. */
function parseAndAuthorize({ method, target: text, rawHeaders }: ReceivedRequest, parts: PipelineParts): AuthorizedRequest | Refusal {
  const head = readRequestHead(rawHeaders);
  if (head instanceof Refusal) return head;
  if (method === "TRACE") return new Refusal("METHOD_REFUSED", "TRACE is not forwarded");
  const target = parseTarget(text, method);
  if (target instanceof Refusal) return target;
  const authority = effectiveAuthority(head, target);
  if (authority instanceof Refusal) return authority;
  const certified = parts.certified(head.clientCertificate);
  const isExcluded = certified != null && head.source !== undefined && parts.excludes?.(head.source, certified.serviceAccount) === true;
  const route = parts.router.route(head, authority, certified, isExcluded);
  if (route instanceof Refusal) return route;
  if (method === "OPTIONS" && head.maxForwards !== undefined) {
    const left = countDown(head, head.maxForwards);
    if (left !== undefined) return left;
  }
  const hops = nextHops(head.hop, route.hopMark);
  if (hops === undefined) return new Refusal("LOOP", "the request was forwarded to this destination before");
  return { method, head, path: target.path, authority, route, hops };
}

/**
 * RFC 9110 §7.6.2. Methods other than OPTIONS (and TRACE) may ignore the field, and here they do.
 */
function countDown(head: RequestHead, maxForwards: string): Refusal | undefined {
  if (!/^\d{1,9}$/.test(maxForwards)) return new Refusal("REQUEST_MALFORMED", "Max-Forwards is not a number");
  if (Number(maxForwards) === 0) return new Refusal("MAX_FORWARDS_REACHED", "this is the global sidecar");
  const at = head.forwarded.findIndex((name, i) => i % 2 === 0 && name.toLowerCase() === "max-forwards");
  // Connection may have named the field: then it is not forwarded.
  if (at !== -1) head.forwarded[at + 1] = String(Number(maxForwards) - 1);
  return undefined;
}

/** @param address any of the destination's: for the header they do not differ */
function forwardedRequest(
  { method, head, path, authority, route, hops }: AuthorizedRequest,
  address: Address | undefined,
): ForwardedRequest {
  const host = hostFields(authority, route.destination.named, address);
  const headers = head.forwarded;
  if (host.original !== undefined) headers.push(AUTHORITY_HEADER, host.original);
  headers.push(HOP_HEADER, hops);
  return { method, path, authority: host.host, headers, hasBody: hasBody(head) };
}

/** What a call does with its addresses. The list is never empty. */
type Forward = (addresses: readonly Address[]) => void;

/** Steps 3 to 6: the caller's share, resolve, judge; then `forward`, and the report. */
function withAddresses(parts: PipelineParts, call: Call, route: Route, forward: Forward): void {
  call.route = route;
  const tooMany = parts.share(route);
  if (tooMany !== undefined) {
    call.fail(tooMany);
    return;
  }
  try {
    const resolution = resolveTargets(parts.resolver, route.authorized.targets);
    if (resolution instanceof Promise) forwardOnceResolved(parts, call, route, resolution, forward);
    else judgeAndForward(parts, call, route, resolution, forward);
  } catch (error) {
    call.fail(...unresolved(error));
  }
}

function forwardOnceResolved(parts: PipelineParts, call: Call, route: Route, pending: Promise<Resolution>, forward: Forward): void {
  pending.then((resolution) => judgeAndForward(parts, call, route, resolution, forward)).catch((error) => call.fail(...unresolved(error)));
}

function judgeAndForward(parts: PipelineParts, call: Call, route: Route, resolution: Resolution, forward: Forward): void {
  const addresses = judge(parts, call, route, resolution);
  if (addresses === undefined) return;
  forward(addresses);
  // Only now: a refused address must not be learned.
  if (call.edge !== undefined) parts.reports.forwarded(call.edge, parts.decisions?.requestIdOf(call));
}

/** Step 4. @returns the addresses that may be connected; undefined when the call has failed */
function judge(parts: PipelineParts, call: Call, route: Route, resolution: Resolution): readonly Address[] | undefined {
  if (resolution === undefined) {
    call.fail(route.authorized.unknown);
    return undefined;
  }
  const judged = resolution.length === 0 ? undefined : parts.judge(resolution, route.authorized);
  if (judged?.refusal !== undefined) {
    call.fail(judged.refusal, judged.refused === undefined ? undefined : new Error(judged.refused.origin));
    return undefined;
  }
  call.edge = edgeOf(parts, route);
  parts.decisions?.routed(call, route, judged?.addresses ?? resolution, leavesMesh(judged));
  if (judged === undefined) {
    call.fail(NO_ENDPOINTS);
    return undefined;
  }
  if (leavesMesh(judged)) parts.counters.forwardedOutside += 1;
  return judged.addresses;
}

function leavesMesh(judged: Judged | undefined): boolean {
  return judged !== undefined && judged.reach > REACH.MESH;
}

const NO_ENDPOINTS = new Refusal("NO_ENDPOINTS", "the service has no ready endpoint for this port");

/** The edge that the last step reports; undefined when the caller is not known. */
function edgeOf({ counters }: PipelineParts, route: Route): CallEdge | undefined {
  const { source } = route.destination;
  if (source === undefined) {
    counters.notReported("NO_SOURCE");
    return undefined;
  }
  if (route.claim !== "believed") {
    counters.notReported(route.claim === "unproven" ? "NO_CERTIFICATE" : "IDENTITY_MISMATCH");
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
