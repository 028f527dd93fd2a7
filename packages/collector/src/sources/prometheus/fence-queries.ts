import { type FenceKey, formatFenceKey, type PrometheusTelemetry, type ToldLineBudget } from "@fenceline/api";
import type { SightingSink } from "@fenceline/edges";
import { type PrometheusClient, PrometheusError, type Sample } from "@fenceline/prometheus";
import type { Logger } from "pino";
import type { Mesh } from "../../mesh.ts";
import { toldLines } from "../../told-lines.ts";
import { learnHost, type SeriesResult } from "./learn-calls.ts";
import { destinationOfHost } from "./metric-destination.ts";

/** What {@link FenceQueries} work with. */
export interface FenceQueriesOptions {
  readonly client: PrometheusClient;
  readonly config: Pick<PrometheusTelemetry, "handlers" | "maxConcurrent">;
  readonly sink: SightingSink;
  readonly logger: Logger;
  readonly onResult: (result: SeriesResult) => void;
  /** Milliseconds of the wall clock. */
  readonly now: () => number;
}

/** A query for one fence. */
interface FenceQuery {
  readonly fence: FenceKey;
  readonly handler: string;
  readonly text: string;
}

/** After so many queries in a row without an answer, the rest of the round is skipped. */
const MOST_FAILURES = 5;
const QUERY_FAILED = "query for a fence failed, the others go on";

/**
 * Queries for each fence by itself, like Slime's `handlers`. If one fails, only its fence is
 * affected. A round has limited time: the next one continues where it ended.
 */
export class FenceQueries {
  readonly #options: FenceQueriesOptions;
  readonly #lines: ToldLineBudget;
  /** The fence with which the next round begins. */
  #next = "";

  constructor(options: FenceQueriesOptions) {
    this.#options = options;
    this.#lines = toldLines(options.logger, QUERY_FAILED);
  }

  /** @param signal ends the round */
  async round(mesh: Mesh, signal: AbortSignal): Promise<void> {
    const queries = this.#queriesOf(mesh);
    let at = 0;
    let failures = 0;
    const ask = async () => {
      while (at < queries.length && failures < MOST_FAILURES && !signal.aborted) {
        const query = queries[at];
        at += 1;
        if (query === undefined) return;
        const isAnswered = await this.#ask(query, mesh, signal);
        failures = isAnswered ? 0 : failures + 1;
      }
    };
    await Promise.all(Array.from({ length: this.#options.config.maxConcurrent }, ask));
    const next = at < queries.length ? queries[at] : undefined;
    this.#next = next === undefined ? "" : formatFenceKey(next.fence);
  }

  #queriesOf(mesh: Mesh): readonly FenceQuery[] {
    const { sink, config } = this.#options;
    const handlers = Object.entries(config.handlers);
    if (handlers.length === 0) return [];
    const fences = mesh.fences().map(({ metadata: { namespace, name } }): FenceKey => ({ namespace, name }));
    const first = Math.max(
      0,
      fences.findIndex((fence) => formatFenceKey(fence) >= this.#next),
    );
    return [...fences.slice(first), ...fences.slice(0, first)]
      .filter((fence) => sink.learns(fence))
      .flatMap((fence) => handlers.map(([handler, { query }]) => ({ fence, handler, text: forFence(query, fence) })));
  }

  /** @returns false when there is no answer, so that the rest need not be asked */
  async #ask({ fence, handler, text }: FenceQuery, mesh: Mesh, signal: AbortSignal): Promise<boolean> {
    const { client, logger } = this.#options;
    try {
      const { samples } = await client.query(text, signal);
      for (const sample of samples) this.#take(fence, sample, mesh);
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      const isOfQuery = error instanceof PrometheusError && error.isOfQuery;
      if (!this.#lines.take(isOfQuery ? handler : "")) return isOfQuery;
      const { code, detail } = error instanceof PrometheusError ? error : { code: undefined, detail: String(error) };
      logger.warn({ fence: formatFenceKey(fence), handler, code, detail }, QUERY_FAILED);
      return isOfQuery;
    }
  }

  #take(fence: FenceKey, { labels, value }: Sample, mesh: Mesh): void {
    // False for NaN, too.
    if (!(value > 0)) return;
    const { sink, onResult, now } = this.#options;
    // A host may be named with its port, as in `request_host`.
    const host = (labels.destination_service ?? labels.request_host ?? "").toLowerCase().replace(/:.*$/, "").replace(/\.$/, "");
    const destination = host === "" ? undefined : destinationOfHost(host, fence.namespace, mesh);
    onResult(destination === undefined ? "unknown_destination" : learnHost(fence, destination, sink, now()));
  }
}

/** The query with the fence's names: both are DNS names, and cannot end a string of PromQL. */
export function forFence(query: string, { namespace, name }: FenceKey): string {
  return query.replaceAll("$namespace", namespace).replaceAll("$source_app", name);
}
