import { collectedGauge } from "@fenceline/http-api/collected-metrics";
import { Histogram, type Registry as MetricsRegistry } from "prom-client";
import { Refusal } from "../refusals/refusal.ts";
import { sampleEventLoop } from "./event-loop.ts";
import { Shedding } from "./shedding.ts";

/** Limits of one event loop, beyond which it answers 503 `OVERLOADED`. */
export interface LoadLimits {
  /**
   * Milliseconds that a turn of the event loop may take on average before a share of the requests
   * is refused. Default 250. A request waits for two turns. At 10,000 requests a second such a turn
   * has 2,500 requests at once. From 10; with 0 nothing is refused for this reason.
   */
  readonly maxTurn?: number;
  /**
   * Most requests in flight. Default 10000. Long polls and streams count, too: it limits memory,
   * not work. A caller that holds half gets none of the last fifth.
   */
  readonly maxRequests?: number;
  /**
   * Most bytes of calls in flight: headers, and bytes of bodies that the other side has not read.
   * Default 67108864 (64 MiB). Beyond it calls without progress for 5 s end with `CALL_STALLED`,
   * beyond twice as much any call. Incomplete HTTP/1.1 headers count as well, and end with
   * `REQUEST_TIMED_OUT`.
   */
  readonly maxHeldBytes?: number;
  /**
   * Most client connections. A further one is closed as soon as it is accepted. Default 10000, but
   * at most what the limit of open files allows: a request needs two.
   */
  readonly maxConnections?: number;
}

/** See {@link LoadLimits.maxRequests}. */
export const MAX_REQUESTS = 10_000;

/**
 * Milliseconds of work in too long turns before the first request is refused: longer than a garbage
 * collection of this heap, or the compilation of its code.
 */
const LONG_TURNS_TOLERATED = 500;

/**
 * Milliseconds of waiting connections before they count as too long a turn: together with
 * {@link LONG_TURNS_TOLERATED} a second, for the burst after a restart.
 */
const BURST_TOLERATED = 500;

/**
 * Connections per socket and turn from which on more are certainly waiting: not all queues are
 * equally long.
 */
const ALL_SOCKETS_BUSY = 0.75;

const BEHIND = new Refusal("OVERLOADED", "the global sidecar cannot keep up with the requests it gets");
const FULL = new Refusal("OVERLOADED", "the global sidecar has its limit of requests in flight");

/** From the delay of an idle loop to that of an outage, in seconds. */
const DELAY_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** The load beside that of the event loop. */
export interface CurrentLoad {
  /** Requests in flight. */
  readonly calls: { readonly size: number };
  readonly connections: {
    /** Client connections accepted so far. */
    readonly accepted: number;
  };
  /** Number of listening sockets, each of which gives at most one connection per turn. */
  readonly sockets: number;
}

/**
 * Decides for each request whether it is admitted, before any work is done for it. Samples the
 * event loop until it is stopped.
 */
export class Admission {
  readonly #load: CurrentLoad;
  readonly #maxRequests: number;
  readonly #shedding: Shedding;
  readonly #stop: () => void;

  constructor(load: CurrentLoad, metrics: MetricsRegistry, limits: LoadLimits = {}) {
    const { maxTurn = 250, maxRequests = MAX_REQUESTS } = limits;
    const limit = maxTurn === 0 ? Number.POSITIVE_INFINITY : maxTurn;
    const shedding = new Shedding({ maxTurn: limit, tolerance: LONG_TURNS_TOLERATED, burst: BURST_TOLERATED });
    // With a single socket one connection in each turn is normal.
    const allSockets = load.sockets === 1 ? Number.POSITIVE_INFINITY : ALL_SOCKETS_BUSY * load.sockets;
    this.#load = load;
    this.#maxRequests = maxRequests;
    this.#shedding = shedding;
    const delays = new Histogram({
      name: "fenceline_proxy_event_loop_delay_seconds",
      help: "How late a timer of the data path fires: what a request waits before it is looked at.",
      buckets: DELAY_BUCKETS,
      registers: [metrics],
    });
    collectedGauge(metrics, {
      name: "fenceline_proxy_shed_share",
      help: "Share of new requests that is answered with OVERLOADED because the event loop is behind, from 0 to 1.",
      // Of several workers, the worst value.
      aggregator: "max",
      read: () => shedding.share,
    });
    let acceptedBefore = 0;
    this.#stop = sampleEventLoop((sample) => {
      const accepted = (load.connections.accepted - acceptedBefore) / sample.turns;
      acceptedBefore = load.connections.accepted;
      shedding.observe(sample, accepted > allSockets);
      delays.observe(sample.delay / 1_000);
    });
  }

  /** Why the request, which counts as in flight already, is not admitted; undefined when it is. */
  readonly admit = (): Refusal | undefined => {
    if (this.#load.calls.size > this.#maxRequests) return FULL;
    return this.#shedding.refusesNext() ? BEHIND : undefined;
  };

  /** Stops sampling. */
  stop(): void {
    this.#stop();
  }
}
