import type { EdgeReporter, ReportedEdge } from "../report/edge-reports.ts";
import type { CountedEdge } from "./messages.ts";

/** Distinct edges that wait at most; beyond it further ones are dropped and counted, as in the reporter behind. */
const CAPACITY = 4_096;

/**
 * Milliseconds between a batch that was taken and the next. Waking the main thread in every turn of a busy worker cost a quarter of its requests on one core; the first
 * edge after a pause still goes at once.
 */
const PAUSE = 5;

/** Takes a batch of edges to the main thread. */
export type SendEdges = (edges: readonly CountedEdge[], dropped: number) => void;

/**
 * Hands the edges of a worker to the main thread: those of one turn of the event loop together, and after that in batches, one under way at a time. So a
 * main thread that is held up makes batches larger and fewer, never its queue longer.
 *
 * Equal edges are told by identity: the reports give the same object again while nothing about an edge has changed.
 */
export class EdgeRelay implements EdgeReporter {
  readonly #send: SendEdges;
  #waiting = new Map<ReportedEdge, number>();
  #dropped = 0;
  /** From when a batch is sent until {@link PAUSE} after it was taken. */
  #pausing = false;
  #scheduled = false;

  constructor(send: SendEdges) {
    this.#send = send;
  }

  report(edge: ReportedEdge): void {
    const requests = this.#waiting.get(edge);
    if (requests === undefined && this.#waiting.size >= CAPACITY) this.#dropped += 1;
    else this.#waiting.set(edge, (requests ?? 0) + 1);
    if (this.#pausing || this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      if (!this.#pausing) this.flushAll();
    });
  }

  /** The batch under way has arrived: after a pause the next one may follow. */
  taken(): void {
    setTimeout(() => {
      this.#pausing = false;
      this.flushAll();
    }, PAUSE).unref();
  }

  /** Sends what waits, whatever is under way, as a worker that ends must. */
  flushAll(): void {
    if (this.#waiting.size === 0) return;
    const edges = [...this.#waiting];
    const dropped = this.#dropped;
    this.#waiting = new Map();
    this.#dropped = 0;
    this.#pausing = true;
    this.#send(edges, dropped);
  }
}
