import { collectedCounter, collectedGauge } from "@fenceline/http-api/collected-metrics";
import { Registry as MetricsRegistry } from "prom-client";
import { ENDINGS, type Ending } from "../calls/listener-observer.ts";
import { type RefusalCode, STATUS_OF } from "../refusals/refusal.ts";
import { CALL_KINDS, type CallsInFlight } from "./calls-in-flight.ts";

/**
 * How a request ended, as seen by its client: the class of the relayed status (1xx: it became a
 * tunnel by 101), CONNECTED for a TLS connection, whose answers are encrypted, a refusal, or
 * CLIENT_GONE.
 */
export type Outcome = "1xx" | "2xx" | "3xx" | "4xx" | "5xx" | "CONNECTED" | "CLIENT_GONE" | RefusalCode;

/** Why a forwarded request was not reported as an edge. */
export type UnreportedReason = "NO_SOURCE" | "NO_CERTIFICATE" | "IDENTITY_MISMATCH";

const CLASSES: readonly Outcome[] = ["5xx", "1xx", "2xx", "3xx", "4xx", "5xx"];

/**
 * Plain numbers on the hot path, which prom-client reads at a scrape. Every label set is closed, so
 * clients cannot grow it.
 */
export class ProxyCounters {
  readonly outcomes = new Map<Outcome, number>();
  readonly unreported = new Map<UnreportedReason, number>();
  readonly connectionEndings = new Map<Ending, number>();
  /** Calls out of the mesh. */
  forwardedOutside = 0;
  connectFailures = 0;
  brokenOff = 0;
  gaveUp = 0;

  answered(status: number): void {
    this.outcome(CLASSES[Math.trunc(status / 100)] ?? "5xx");
  }

  outcome(outcome: Outcome): void {
    this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1);
  }

  connectionEnded(why: Ending): void {
    this.connectionEndings.set(why, (this.connectionEndings.get(why) ?? 0) + 1);
  }

  notReported(reason: UnreportedReason): void {
    this.unreported.set(reason, (this.unreported.get(reason) ?? 0) + 1);
  }
}

/** Number of remembered entries, by the label's value. */
export type MemorySizes = Readonly<Record<"routes" | "connection_pools", () => number>>;

/** Bytes of memory of calls, by reason. */
export type HeldSizes = Readonly<Record<(typeof HELD_FOR)[number], () => number>>;

/** The Prometheus metrics of a proxy, in their own registry. */
export function createMetrics(counters: ProxyCounters, calls: CallsInFlight): MetricsRegistry {
  const registry = new MetricsRegistry();
  collectedCounter(registry, {
    name: "fenceline_proxy_requests_total",
    help: "Requests by outcome: class of the relayed status, code of the refusal, or CLIENT_GONE.",
    labelNames: ["outcome"],
    read: () => OUTCOMES.map((outcome) => [{ outcome }, counters.outcomes.get(outcome) ?? 0]),
  });
  registerCalls(registry, calls);
  collectedCounter(registry, {
    name: "fenceline_proxy_upstream_connect_failures_total",
    help: "Attempts to connect to an endpoint that failed; the request may have gone to the next one.",
    read: () => counters.connectFailures,
  });
  collectedCounter(registry, {
    name: "fenceline_proxy_upstream_broken_answers_total",
    help: "Answers that the destination broke off after they had begun.",
    read: () => counters.brokenOff,
  });
  collectedCounter(registry, {
    name: "fenceline_proxy_given_up_answers_total",
    help: "Answers and connections that we closed because they made no progress and the memory for calls in flight was used up.",
    read: () => counters.gaveUp,
  });
  collectedCounter(registry, {
    name: "fenceline_proxy_unreported_requests_total",
    help: "Forwarded requests that were not reported as an edge: nobody said whose they are, no certificate says so, or one says otherwise.",
    labelNames: ["reason"],
    read: () => UNREPORTED.map((reason) => [{ reason }, counters.unreported.get(reason) ?? 0]),
  });
  collectedCounter(registry, {
    name: "fenceline_proxy_http2_connections_ended_total",
    help: "HTTP/2 connections of clients that were ended for what they did: floods, what is no HTTP/2, no SETTINGS in time, a header without an end.",
    labelNames: ["reason"],
    read: () => ENDINGS.map((reason) => [{ reason }, counters.connectionEndings.get(reason) ?? 0]),
  });
  collectedCounter(registry, {
    name: "fenceline_proxy_external_calls_total",
    help: "Calls to hosts or addresses that are not known to be of the mesh: forwarded, or refused with EXTERNAL_REFUSED.",
    labelNames: ["outcome"],
    read: () => [
      [{ outcome: "forwarded" }, counters.forwardedOutside],
      [{ outcome: "refused" }, counters.outcomes.get("EXTERNAL_REFUSED") ?? 0],
    ],
  });
  return registry;
}

/** The metrics of the calls in flight. */
function registerCalls(registry: MetricsRegistry, calls: CallsInFlight): void {
  collectedGauge(registry, {
    name: "fenceline_proxy_requests_in_flight",
    help: "Requests that are being forwarded.",
    read: () => calls.size,
  });
  collectedGauge(registry, {
    name: "fenceline_proxy_long_lived_calls",
    help: "Calls of any protocol that have been in flight for longer than the threshold, by what they do.",
    labelNames: ["kind"],
    read: () => {
      const counts = calls.longLived(performance.now());
      return CALL_KINDS.map((kind) => [{ kind }, counts[kind]]);
    },
  });
  collectedGauge(registry, {
    name: "fenceline_proxy_oldest_call_seconds",
    help: "Seconds that the oldest call has been in flight, to a second.",
    aggregator: "max",
    read: () => calls.oldest(performance.now()),
  });
}

/** The metrics of what is kept in memory, by parts that are created after the registry. */
export function registerSizes(registry: MetricsRegistry, sizes: MemorySizes, held: HeldSizes): void {
  collectedGauge(registry, {
    name: "fenceline_proxy_remembered",
    help: "Entries that are remembered per host or address: combinations of routing headers, connection pools. Both are bounded.",
    labelNames: ["what"],
    read: () => [
      [{ what: "routes" }, sizes.routes()],
      [{ what: "connection_pools" }, sizes.connection_pools()],
    ],
  });
  collectedGauge(registry, {
    name: "fenceline_proxy_held_bytes",
    help: "Bytes of calls in flight: headers, what the other side has not taken of bodies, and what is kept in case that a destination refuses the stream.",
    labelNames: ["what"],
    read: () => HELD_FOR.map((what) => [{ what }, held[what]()]),
  });
}

const HELD_FOR = ["in_flight", "kept_for_repeat"] as const;

const UNREPORTED: readonly UnreportedReason[] = ["NO_SOURCE", "NO_CERTIFICATE", "IDENTITY_MISMATCH"];
const OUTCOMES: readonly Outcome[] = ["1xx", "2xx", "3xx", "4xx", "5xx", "CONNECTED", "CLIENT_GONE", ...codes()];

function codes(): RefusalCode[] {
  return Object.keys(STATUS_OF).filter((code): code is RefusalCode => code in STATUS_OF);
}
