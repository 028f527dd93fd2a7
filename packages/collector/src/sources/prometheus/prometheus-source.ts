import { setTimeout as pause } from "node:timers/promises";
import { durationMs, type FenceKey, formatFenceKey, type PrometheusTelemetry, shortenedList } from "@fenceline/api";
import type { RunningSource, SightingSink, TelemetrySource } from "@fenceline/edges";
import type { PrometheusClient, QueryAnswer } from "@fenceline/prometheus";
import type { Logger } from "pino";
import type { Mesh } from "../../mesh.ts";
import type { CollectorMetrics } from "../../metrics.ts";
import { type EdgesQuery, edgesQuery } from "./edges-query.ts";
import { FenceQueries } from "./fence-queries.ts";
import { learnCalls, type SeriesResult, type Taking } from "./learn-calls.ts";
import { NewFences } from "./new-fences.ts";
import { QueryLog } from "./query-log.ts";
import { readEdges } from "./read-edges.ts";

/** What a {@link PrometheusSource} works with. */
export interface PrometheusSourceOptions {
  readonly client: PrometheusClient;
  readonly config: PrometheusTelemetry;
  /** The latest mesh. */
  readonly mesh: () => Mesh;
  /** Whether this replica leads: one that asks is enough. */
  readonly leads: () => boolean;
  /** Whether another source counts the calls of a fence now: they would be counted twice. */
  readonly isCounted: (fence: FenceKey) => boolean;
  readonly metrics: CollectorMetrics;
  readonly logger: Logger;
  /** Milliseconds of the wall clock. */
  readonly now: () => number;
}

/** Longest range of a query after a pause, in milliseconds. */
const LONGEST_RANGE = 24 * 3_600_000;
/** How often it is checked whether this replica leads, in milliseconds. */
const LOOK = 1_000;
/** Namespaces whose history is asked for in one query. */
const NAMESPACES = 20;

/**
 * Istio's metrics as sightings, from one query at each interval: who called what, and until when
 * each workload's proxies were scraped. Without an answer, or without scrapes, nothing is told, and
 * nothing ages.
 */
export class PrometheusSource implements TelemetrySource {
  readonly #options: PrometheusSourceOptions;

  constructor(options: PrometheusSourceOptions) {
    this.#options = options;
  }

  async start(sink: SightingSink): Promise<RunningSource> {
    const { config, logger } = this.#options;
    const end = new AbortController();
    logger.info(
      { servers: shortenedList(config.servers.map(({ url }) => url)), interval: config.interval },
      "Prometheus is asked for calls",
    );
    const running = new Asking(this.#options, sink, end.signal).run();
    return {
      close: async () => {
        end.abort();
        await running;
      },
    };
  }
}

class Asking {
  readonly #options: PrometheusSourceOptions;
  readonly #sink: SightingSink;
  readonly #end: AbortSignal;
  readonly #interval: number;
  readonly #window: number;
  readonly #log: QueryLog;
  readonly #new = new NewFences();
  readonly #fenceQueries: FenceQueries;
  /** When the last answer for all workloads came; undefined before the first. */
  #answeredAt: number | undefined;

  constructor(options: PrometheusSourceOptions, sink: SightingSink, end: AbortSignal) {
    this.#options = options;
    this.#sink = sink;
    this.#end = end;
    this.#interval = durationMs(options.config.interval);
    this.#window = durationMs(options.config.window);
    this.#log = new QueryLog(options.logger);
    this.#fenceQueries = new FenceQueries({ ...options, sink, onResult: (result) => this.#count(new Map([[result, 1]])) });
  }

  async run(): Promise<void> {
    let dueAt = Number.NEGATIVE_INFINITY;
    while (!this.#end.aborted) {
      if (!this.#options.leads()) this.#forget();
      else if (performance.now() >= dueAt) {
        dueAt = performance.now() + this.#interval;
        await this.#round();
      }
      await pause(Math.min(LOOK, this.#interval), undefined, { signal: this.#end }).catch(() => {});
    }
  }

  /** After a failed query the next one is still sent. */
  async #round(): Promise<void> {
    const mesh = this.#options.mesh();
    const fences = this.#new.of(mesh.fences().filter(({ metadata }) => this.#sink.learns(metadata)));
    await this.#askForCalls(mesh);
    if (durationMs(this.#options.config.history) > 0) await this.#askForHistory(fences);
    await this.#fenceQueries.round(mesh, AbortSignal.any([this.#end, AbortSignal.timeout(this.#interval)]));
  }

  async #askForCalls(mesh: Mesh): Promise<void> {
    const now = this.#options.now();
    const since = this.#answeredAt === undefined ? this.#interval : Math.max(0, now - this.#answeredAt);
    const range = Math.min(LONGEST_RANGE, Math.max(this.#window, since + this.#window - this.#interval));
    const answer = await this.#ask({ range });
    if (answer === undefined) return;
    this.#answeredAt = now;
    this.#options.metrics.prometheusAnswered.set(now / 1_000);
    this.#take(answer, mesh, { share: Math.min(1, since / range), observes: answer.warnings.length === 0 });
  }

  /** By groups of namespaces, split until the one that is too much is asked for alone. */
  async #askForHistory(fences: readonly FenceKey[]): Promise<void> {
    const range = durationMs(this.#options.config.history);
    const namespaces = [...new Set(fences.map(({ namespace }) => namespace))];
    for (let at = 0; at < namespaces.length && !this.#end.aborted; at += NAMESPACES) {
      const asked = new Set(namespaces.slice(at, at + NAMESPACES));
      const theirs = fences.filter(({ namespace }) => asked.has(namespace));
      const names = new Set(theirs.map(formatFenceKey));
      const answer = await this.#ask({ range, namespaces: [...asked] });
      if (answer === undefined) {
        this.#new.failed(theirs);
        continue;
      }
      this.#new.done(theirs);
      const only = (fence: FenceKey) => names.has(formatFenceKey(fence));
      const hosts = this.#take(answer, this.#options.mesh(), { share: 1, observes: false, only });
      this.#options.logger.info({ fences: theirs.length, hosts }, "new fences begin with what Prometheus saw");
    }
  }

  /** Undefined where there is no answer: the log has the reason. */
  async #ask(query: EdgesQuery): Promise<QueryAnswer | undefined> {
    const { client, config } = this.#options;
    try {
      const answer = await client.query(
        edgesQuery({ ...query, labels: config.matchers, namespaceLabel: config.namespaceLabel }),
        this.#end,
      );
      this.#log.answered(answer);
      return answer;
    } catch (error) {
      if (!this.#end.aborted) this.#log.failed(error);
      return undefined;
    }
  }

  /** @returns how many hosts fences were told of */
  #take({ samples }: QueryAnswer, mesh: Mesh, how: Pick<Taking, "share" | "observes" | "only">): number {
    const { now, isCounted, config } = this.#options;
    const counts = (fence: FenceKey) => !isCounted(fence);
    const results = learnCalls(readEdges(samples, config.namespaceLabel), { sink: this.#sink, mesh, now: now(), counts, ...how });
    this.#count(results);
    return results.get("seen") ?? 0;
  }

  #count(results: ReadonlyMap<SeriesResult, number>): void {
    for (const [result, series] of results) this.#options.metrics.prometheusSeries.inc({ result }, series);
  }

  #forget(): void {
    this.#new.forget();
    this.#answeredAt = undefined;
  }
}
