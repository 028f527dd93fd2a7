import { once } from "node:events";
import { createServer } from "node:net";
import { type AddressUpdate, Backoff, FencelineError, listenFailed } from "@fenceline/api/vocabulary";
import type { Logger } from "pino";
import type { AddressTable } from "../destination/address-table.ts";
import type { RequestReporter } from "../destination/reported-edge.ts";
import { type LongLivedCall, MAX_LISTED_CALLS } from "../report/calls-in-flight.ts";
import type { CountedEdge, WorkerStart } from "./messages.ts";
import { PoolMetrics } from "./pool-metrics.ts";
import { WorkerThread } from "./worker-thread.ts";

export { AddressTable } from "../destination/address-table.ts";

export interface WorkerPoolOptions {
  /** The worker module: calls `runWorker`. */
  readonly module: URL;
  /** Settings of the worker module. They must survive a structured clone. */
  readonly settings: unknown;
  /** Number of threads, each with its own event loop. */
  readonly workers: number;
  readonly host: string;
  /** Port to listen on; 0 takes a free one. */
  readonly port: number;
  /** Where the edges of all workers go. */
  readonly reporter: RequestReporter;
  /**
   * The mesh's addresses, kept for every worker by {@link WorkerPool.takeAddresses}. Default: they
   * are not known.
   */
  readonly mesh?: AddressTable;
  readonly logger: Logger;
  readonly timing?: Partial<WorkerPoolTiming>;
}

/** Times in milliseconds. */
export interface WorkerPoolTiming {
  /**
   * Interval in which each worker is asked for its figures: a crash loses at most this much.
   * Default 1000.
   */
  readonly heartbeat: number;
  /** A worker that has owed an answer for this long does not count as ready. Default 5000. */
  readonly unreadyAfter: number;
  /**
   * A worker that has owed an answer for this long is ended and replaced: an endless loop would
   * never end. Default 30000.
   */
  readonly stuckAfter: number;
  /**
   * Longest wait before the first of consecutive replacements, and before any. Default 100 and
   * 10000.
   */
  readonly firstPause: number;
  readonly longestPause: number;
}

const DEFAULT_TIMING: WorkerPoolTiming = {
  heartbeat: 1_000,
  unreadyAfter: 5_000,
  stuckAfter: 30_000,
  firstPause: 100,
  longestPause: 10_000,
};

/** Milliseconds that a drained worker needs to end after its deadline. */
const GRACE = 1_000;

/** One place of the pool: a worker, and its replacement after it. */
interface Place {
  readonly number: number;
  readonly backoff: Backoff;
  worker: WorkerThread | undefined;
  replacing: NodeJS.Timeout | undefined;
}

/**
 * The data path in worker threads, so that the main thread's work (metrics, health, the collector)
 * does not delay requests.
 *
 * Several workers listen on one port. When one dies, only its own connections end. It is replaced,
 * with growing pauses if it keeps dying.
 */
export class WorkerPool {
  readonly metrics: PoolMetrics;
  readonly #options: WorkerPoolOptions;
  readonly #timing: WorkerPoolTiming;
  readonly #places: readonly Place[];
  readonly #heartbeat: NodeJS.Timeout;
  #port: number;
  #droppedReports = 0;
  #closing: Promise<void> | undefined;

  /**
   * Starts all workers and waits until they listen.
   *
   * @throws {FencelineError} `LISTEN_FAILED` with the port
   */
  static async start(options: WorkerPoolOptions): Promise<WorkerPool> {
    await assertFree(options.host, options.port);
    const pool = new WorkerPool(options);
    try {
      // One after the other: the first one may determine the port.
      for (const place of pool.#places) await pool.#startFirst(place);
    } catch (error) {
      await pool.close({ deadline: 0 });
      throw error;
    }
    return pool;
  }

  private constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#timing = { ...DEFAULT_TIMING, ...options.timing };
    this.#port = options.port;
    const { firstPause, longestPause } = this.#timing;
    this.#places = Array.from({ length: options.workers }, (_, number) => ({
      number,
      backoff: new Backoff({ first: firstPause, longest: longestPause }),
      worker: undefined,
      replacing: undefined,
    }));
    this.metrics = new PoolMetrics(() => this.#places.map(({ worker }) => worker));
    this.#heartbeat = setInterval(() => this.#check(), this.#timing.heartbeat).unref();
  }

  get port(): number {
    return this.#port;
  }

  /** Requests for whose edge there was no room on the way to the reporter. */
  get droppedReports(): number {
    return this.#droppedReports;
  }

  /**
   * The oldest long-lived calls of all workers, as of the last heartbeat; bounded as in one worker.
   */
  longLivedCalls(): readonly LongLivedCall[] {
    const calls = this.#places.flatMap(({ worker }) => worker?.calls ?? []);
    return calls.sort((one, other) => other.seconds - one.seconds).slice(0, MAX_LISTED_CALLS);
  }

  /**
   * Takes over an update of the mesh's addresses, for all workers. It is passed on when all
   * addresses have arrived: a worker that starts meanwhile would miss a part.
   */
  takeAddresses(update: AddressUpdate): void {
    const { mesh } = this.#options;
    mesh?.apply(update);
    if (mesh === undefined || mesh.isComing) return;
    for (const piece of update.complete ? mesh.updates() : [update]) for (const { worker } of this.#places) worker?.tellAddresses(piece);
  }

  /** Whether there is a worker that listens and whose event loop runs. */
  get isReady(): boolean {
    return this.#places.some(({ worker }) => worker?.isListening === true && worker.silentFor < this.#timing.unreadyAfter);
  }

  /**
   * Drains all workers at once, as `GlobalSidecar.close` does.
   *
   * @param options.deadline milliseconds after which the rest is closed. Default 10000. Only that
   * of the first call counts.
   */
  close({ deadline = 10_000 }: { readonly deadline?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(deadline);
    return this.#closing;
  }

  async #close(deadline: number): Promise<void> {
    for (const { replacing } of this.#places) clearTimeout(replacing);
    const workers = this.#places.flatMap(({ worker }) => worker ?? []);
    const force = setTimeout(() => {
      for (const worker of workers) void worker.terminate("it did not end in time");
    }, deadline + GRACE);
    await Promise.all(workers.map((worker) => worker.drain(deadline)));
    clearTimeout(force);
    clearInterval(this.#heartbeat);
  }

  async #startFirst(place: Place): Promise<void> {
    const started = Promise.withResolvers<void>();
    this.#start(place, {
      listening: started.resolve,
      ended: (reason, code) => started.reject(code === undefined ? new Error(reason) : new FencelineError(code, { message: reason })),
    });
    await started.promise;
  }

  #start(place: Place, first?: { listening(): void; ended(reason: string, code?: string): void }): void {
    const { module, host, workers, settings, mesh } = this.#options;
    const start: WorkerStart = { host, port: this.#port, sharing: workers, number: place.number, settings, knowsMesh: mesh !== undefined };
    let failed = first;
    const worker = new WorkerThread(module, start, {
      listening: (port) => {
        this.#port = port;
        failed = undefined;
        first?.listening();
      },
      edges: (edges, dropped) => this.#report(edges, dropped),
      ended: (reason, code) => {
        this.metrics.retire(worker);
        place.worker = undefined;
        if (failed !== undefined) failed.ended(reason, code);
        else this.#replace(place, worker, reason);
      },
    });
    place.worker = worker;
    for (const update of mesh?.updates() ?? []) worker.tellAddresses(update);
  }

  #replace(place: Place, worker: WorkerThread, reason: string): void {
    if (this.#closing !== undefined) return;
    if (performance.now() - worker.startedAt > this.#timing.longestPause) place.backoff.reset();
    const pause = place.backoff.next();
    this.#options.logger.error({ worker: place.number, reason, replacedInMs: Math.round(pause) }, "worker died");
    this.metrics.died();
    place.replacing = setTimeout(() => {
      this.#start(place);
    }, pause);
  }

  #report(edges: readonly CountedEdge[], dropped: number): void {
    this.#droppedReports += dropped;
    for (const [edge, requests] of edges) this.#options.reporter.reportRequests(edge, requests);
  }

  #check(): void {
    for (const { worker, number } of this.#places) {
      if (worker === undefined) continue;
      if (worker.silentFor > this.#timing.stuckAfter) {
        this.#options.logger.error({ worker: number, silentForMs: Math.round(worker.silentFor) }, "worker is stuck");
        void worker.terminate("it was stuck");
      } else void worker.askForFigures();
    }
  }
}

/**
 * With SO_REUSEPORT we would share the port with another Fenceline by mistake, and each would get
 * half of the requests.
 */
async function assertFree(host: string, port: number): Promise<void> {
  const probe = createServer();
  try {
    probe.listen({ host, port });
    await once(probe, "listening");
  } catch (cause) {
    throw listenFailed(host, port, cause);
  }
  probe.close();
  await once(probe, "close");
}
