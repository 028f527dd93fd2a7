import { collectedCounter, collectedGauge } from "@fenceline/http-api/collected-metrics";
import { AggregatorRegistry, Counter, Registry as MetricsRegistry } from "prom-client";
import type { Figures } from "./messages.ts";
import type { WorkerThread } from "./worker-thread.ts";

/**
 * Longest wait of a scrape for a worker's figures, in milliseconds. Prometheus itself times out
 * after ten seconds.
 */
const SCRAPE_TIMEOUT = 500;

/** The metrics of all workers added up, and those about the workers themselves. */
export class PoolMetrics {
  readonly #workers: () => readonly (WorkerThread | undefined)[];
  readonly #own = new MetricsRegistry();
  readonly #deaths: Counter;
  /** Counters of ended workers: a counter must not decrease because its thread has ended. */
  #retired: Promise<Figures> = Promise.resolve([]);
  /** Busy seconds of ended workers, by their number. */
  readonly #activeBefore = new Map<number, number>();
  #unresponsive = 0;

  /** @param workers by their numbers; undefined while there is none */
  constructor(workers: () => readonly (WorkerThread | undefined)[]) {
    this.#workers = workers;
    const gauge = (name: string, help: string, read: () => number) => collectedGauge(this.#own, { name, help, read });
    gauge("fenceline_proxy_workers", "Workers that listen.", () => this.#alive().filter(({ isListening }) => isListening).length);
    gauge(
      "fenceline_proxy_workers_unresponsive",
      "Workers that did not send their figures in time for this scrape: the last ones known are used.",
      () => this.#unresponsive,
    );
    this.#deaths = new Counter({
      name: "fenceline_proxy_worker_deaths_total",
      help: "Workers that died and were replaced.",
      registers: [this.#own],
    });
    const activeSeconds = (worker: WorkerThread | undefined, number: number) =>
      (this.#activeBefore.get(number) ?? 0) + (worker?.activeSeconds ?? 0);
    collectedCounter(this.#own, {
      name: "fenceline_proxy_event_loop_active_seconds_total",
      help: "Seconds that a worker's event loop was busy; its rate is the utilisation, 1 is all of a core.",
      labelNames: ["worker"],
      read: () => workers().map((worker, number) => [{ worker: number }, activeSeconds(worker, number)]),
    });
  }

  /** Prometheus text. It takes at most {@link SCRAPE_TIMEOUT}, whatever the workers do. */
  async metrics(): Promise<string> {
    const workers = this.#alive();
    const late = new Set(workers);
    const timeout = Promise.withResolvers<void>();
    const timer = setTimeout(timeout.resolve, SCRAPE_TIMEOUT);
    const all = Promise.all(workers.map((worker) => worker.askForFigures().then(() => late.delete(worker))));
    await Promise.race([all, timeout.promise]);
    clearTimeout(timer);
    this.#unresponsive = late.size;
    // Read in one turn: otherwise a worker that ends now would count twice, as alive and as ended.
    const [retired, figures] = [this.#retired, this.#alive().map((worker) => worker.figures)];
    const merged = AggregatorRegistry.aggregate([await retired, ...figures].map((each) => [...each]));
    return `${await merged.metrics()}\n${await this.#own.metrics()}`;
  }

  /** A worker has ended: its counts are kept. */
  retire(worker: WorkerThread): void {
    this.#activeBefore.set(worker.number, (this.#activeBefore.get(worker.number) ?? 0) + worker.activeSeconds);
    const last = worker.figures.filter(({ type }) => String(type) !== "gauge");
    this.#retired = this.#retired.then((before) => AggregatorRegistry.aggregate([[...before], last]).getMetricsAsJSON());
  }

  died(): void {
    this.#deaths.inc();
  }

  #alive(): readonly WorkerThread[] {
    return this.#workers().flatMap((worker) => worker ?? []);
  }
}
