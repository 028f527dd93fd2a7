import { collectedCounter, collectedGauge } from "@fenceline/http-api/collected-metrics";
import { AggregatorRegistry, Counter, Registry as MetricsRegistry } from "prom-client";
import type { Figures } from "./messages.ts";
import type { WorkerThread } from "./worker-thread.ts";

/**
 * A scrape waits for a worker's figures this long, in milliseconds; Prometheus itself gives up
 * after ten seconds.
 */
const SCRAPE_TIMEOUT = 500;

/** The metrics of all workers added up, and those about the workers themselves. */
export class PoolMetrics {
  readonly #workers: () => readonly (WorkerThread | undefined)[];
  readonly #own = new MetricsRegistry();
  readonly #deaths: Counter;
  /**
   * Counters of workers that are over: a counter must not go back because the thread that counted
   * has gone.
   */
  #retired: Promise<Figures> = Promise.resolve([]);
  /** Seconds of workers that are over, by their number. */
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

  /** Prometheus text. Takes {@link SCRAPE_TIMEOUT} at most, whatever the workers do. */
  async metrics(): Promise<string> {
    const workers = this.#alive();
    const late = new Set(workers);
    const timeout = Promise.withResolvers<void>();
    const timer = setTimeout(timeout.resolve, SCRAPE_TIMEOUT);
    const all = Promise.all(workers.map((worker) => worker.askForFigures().then(() => late.delete(worker))));
    await Promise.race([all, timeout.promise]);
    clearTimeout(timer);
    this.#unresponsive = late.size;
    // Taken in one turn: a worker that dies now would else be counted as alive and as over.
    const [retired, figures] = [this.#retired, this.#alive().map((worker) => worker.figures)];
    const merged = AggregatorRegistry.aggregate([await retired, ...figures].map((each) => [...each]));
    return `${await merged.metrics()}\n${await this.#own.metrics()}`;
  }

  /** A worker is over: what it counted stays. */
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
