import { partOfFree } from "@fenceline/api/vocabulary";
import type { EdgeSink, ReportedEdge } from "../destination/reported-edge.ts";
import type { CountedEdge } from "./messages.ts";

/** Most distinct edges that wait. Further ones are dropped and counted, as in the reporter. */
const CAPACITY = 4_096;
/**
 * The fences of one namespace get as many as are free, so half if they are alone: invented hosts of
 * one namespace must not keep out the edges of others.
 */
const PART = 1;
const LEAST = 16;

/**
 * Milliseconds between a batch that was received and the next one, so that a flood of new edges
 * does not wake the main thread in every turn.
 */
const PAUSE = 5;

/**
 * Milliseconds for which known edges wait: to wake the main thread in every turn of a busy worker
 * cost a quarter of its requests on one core.
 */
const KNOWN_WAIT = 100;

/** Sends a batch of edges to the main thread. */
export type SendEdges = (edges: readonly CountedEdge[], dropped: number) => void;

/**
 * Sends the edges of a worker to the main thread in batches: a new edge at the end of its turn of
 * the event loop, with everything that waits; known edges later. One batch is under way at a time:
 * if the main thread is slow, batches become larger and fewer, and its queue does not grow.
 *
 * Equal edges are found by identity: the reports give the same object again while nothing about an
 * edge has changed.
 */
export class EdgeRelay implements EdgeSink {
  readonly #send: SendEdges;
  #waiting = new Map<ReportedEdge, number>();
  /** Distinct edges that wait, by namespace. */
  #byNamespace = new Map<string, number>();
  #dropped = 0;
  /** True from when a batch is sent until {@link PAUSE} after it was received. */
  #pausing = false;
  #scheduled = false;
  /** Whether something waits that is sent as soon as the pause is over. */
  #due = false;
  #knownTimer: NodeJS.Timeout | undefined;

  constructor(send: SendEdges) {
    this.#send = send;
  }

  report(edge: ReportedEdge, known: boolean): void {
    const requests = this.#waiting.get(edge);
    if (requests !== undefined) this.#waiting.set(edge, requests + 1);
    else if (this.#takePlace(edge)) this.#waiting.set(edge, 1);
    else this.#dropped += 1;
    if (known) this.#knownTimer ??= setTimeout(() => this.#flushWhenAllowed(), KNOWN_WAIT).unref();
    else this.#flushAfterTurn();
  }

  /** The batch under way has arrived: after a pause the next one may follow. */
  taken(): void {
    setTimeout(() => {
      this.#pausing = false;
      if (this.#due) this.flushAll();
    }, PAUSE).unref();
  }

  /** Sends what waits, even while a batch is under way. For a worker that ends. */
  flushAll(): void {
    clearTimeout(this.#knownTimer);
    this.#knownTimer = undefined;
    this.#due = false;
    if (this.#waiting.size === 0) return;
    const edges = [...this.#waiting];
    const dropped = this.#dropped;
    this.#waiting = new Map();
    this.#byNamespace = new Map();
    this.#dropped = 0;
    this.#pausing = true;
    this.#send(edges, dropped);
  }

  #takePlace({ source: { namespace } }: ReportedEdge): boolean {
    const mine = this.#byNamespace.get(namespace) ?? 0;
    if (mine >= partOfFree(CAPACITY, this.#waiting.size, PART, LEAST)) return false;
    this.#byNamespace.set(namespace, mine + 1);
    return true;
  }

  #flushAfterTurn(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#flushWhenAllowed();
    });
  }

  #flushWhenAllowed(): void {
    if (this.#pausing) this.#due = true;
    else this.flushAll();
  }
}
