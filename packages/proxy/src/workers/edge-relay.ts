import type { EdgeReporter, ReportedEdge } from "../report/edge-reports.ts";
import type { CountedEdge } from "./messages.ts";

/** Distinct edges that wait at most; beyond it further ones are dropped and counted, as in the reporter behind. */
const CAPACITY = 4_096;

/** Takes a batch of edges to the main thread. */
export type SendEdges = (edges: readonly CountedEdge[], dropped: number) => void;

/**
 * Hands the edges of a worker to the main thread: those of one turn of the event loop together, and only one batch under way at a time. So a main
 * thread that is held up makes batches larger and fewer, never its queue longer.
 *
 * Equal edges are told by identity: the reports give the same object again while nothing about an edge has changed.
 */
export class EdgeRelay implements EdgeReporter {
  readonly #send: SendEdges;
  #waiting = new Map<ReportedEdge, number>();
  #dropped = 0;
  #underWay = false;
  #scheduled = false;

  constructor(send: SendEdges) {
    this.#send = send;
  }

  report(edge: ReportedEdge): void {
    const requests = this.#waiting.get(edge);
    if (requests === undefined && this.#waiting.size >= CAPACITY) this.#dropped += 1;
    else this.#waiting.set(edge, (requests ?? 0) + 1);
    if (this.#underWay || this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.flush();
    });
  }

  /** The batch under way has arrived. */
  taken(): void {
    this.#underWay = false;
    this.flush();
  }

  /** Sends what waits, unless a batch is under way. */
  flush(): void {
    if (!this.#underWay) this.flushAll();
  }

  /** Sends what waits, whatever is under way: for a worker that ends. */
  flushAll(): void {
    if (this.#waiting.size === 0) return;
    const edges = [...this.#waiting];
    const dropped = this.#dropped;
    this.#waiting = new Map();
    this.#dropped = 0;
    this.#underWay = true;
    this.#send(edges, dropped);
  }
}
