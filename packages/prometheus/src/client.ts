import type { QueryAnswer } from "./answer.ts";
import type { PrometheusServer } from "./credentials.ts";
import { PrometheusError, type PrometheusFailure } from "./prometheus-error.ts";
import { Server } from "./server.ts";
import { SharedWork } from "./shared-work.ts";
import { Slots } from "./slots.ts";

/** Settings of a {@link PrometheusClient}. */
export interface PrometheusClientOptions {
  /** Who has the same series: the first that answers is right. At least one. */
  readonly servers: readonly PrometheusServer[];
  /** Milliseconds that one server may take for an answer. Default 30 000. */
  readonly timeout?: number;
  /** Bytes that an answer may have. Default 16 MiB. */
  readonly maxBytes?: number;
  /** Queries that run at a time; further ones wait. Default 4. */
  readonly maxConcurrent?: number;
  /** Told of each answer of a server, and of each that did not come. Default: nobody is. */
  readonly onAnswer?: (outcome: "ok" | PrometheusFailure, took: number) => void;
  /** Milliseconds, monotonic. */
  readonly clock?: () => number;
}

/** A server that failed is asked after the others for this time, in milliseconds. */
const SET_BACK = 30_000;

/**
 * Asks Prometheus, or whatever has its API: Thanos, Mimir, VictoriaMetrics.
 *
 * Servers are tried in the order in which they are given; one that failed is tried last for half a
 * minute, so that a dead one costs its time-out once and not for each query. A query that is itself
 * at fault is not sent to the next one. Equal queries that are under way are one.
 */
export class PrometheusClient {
  readonly #servers: readonly Server[];
  readonly #failedAt = new Map<Server, number>();
  readonly #slots: Slots;
  readonly #queries = new SharedWork<QueryAnswer>();
  readonly #clock: () => number;
  readonly #onAnswer: NonNullable<PrometheusClientOptions["onAnswer"]>;

  constructor(options: PrometheusClientOptions) {
    const { servers, timeout = 30_000, maxBytes = 16 * 1_024 * 1_024, maxConcurrent = 4 } = options;
    this.#servers = servers.map((server) => new Server(server, { timeout, maxBytes }));
    this.#slots = new Slots(maxConcurrent);
    this.#clock = options.clock ?? (() => performance.now());
    this.#onAnswer = options.onAnswer ?? (() => {});
  }

  /**
   * What a query gives now.
   *
   * @param signal gives up; others who wait for the same query go on
   * @throws {PrometheusError} when no server answers it; the reason of the signal when it gave up
   */
  query(text: string, signal?: AbortSignal): Promise<QueryAnswer> {
    return this.#queries.join(text, (given) => this.#slots.run(() => this.#ask(text, given)), signal);
  }

  /**
   * The number that a query gives now; undefined when it gives none, or none that is finite: `NaN`
   * is what Prometheus says of nothing divided by nothing.
   *
   * @throws {PrometheusError} as {@link query}; `PROMETHEUS_AMBIGUOUS` when it gives several
   */
  async number(text: string, signal?: AbortSignal): Promise<number | undefined> {
    const { samples, server } = await this.query(text, signal);
    const [sample, ...others] = samples;
    if (others.length > 0) {
      const message = `the query gives ${samples.length} series, and one number is wanted`;
      throw new PrometheusError({ failure: "ambiguous", server, message, hint: "sum them, or take the largest" });
    }
    return sample !== undefined && Number.isFinite(sample.value) ? sample.value : undefined;
  }

  /** Ends what is under way: it fails, and so does every later query. */
  async close(): Promise<void> {
    this.#queries.close(new PrometheusError({ failure: "unreachable", message: "the client is closed" }));
    await Promise.all(this.#servers.map((server) => server.close()));
  }

  async #ask(text: string, signal: AbortSignal): Promise<QueryAnswer> {
    const errors: PrometheusError[] = [];
    for (const server of this.#inOrder()) {
      signal.throwIfAborted();
      const answer = await this.#askOne(server, text, signal);
      if (!(answer instanceof PrometheusError)) return answer;
      errors.push(answer);
      if (answer.isOfQuery) throw answer;
      this.#failedAt.set(server, this.#clock());
    }
    throw allOf(errors);
  }

  async #askOne(server: Server, text: string, signal: AbortSignal): Promise<QueryAnswer | PrometheusError> {
    const began = this.#clock();
    try {
      const answer = await server.query(text, signal);
      this.#failedAt.delete(server);
      this.#onAnswer("ok", this.#clock() - began);
      return answer;
    } catch (error) {
      if (!(error instanceof PrometheusError)) throw error;
      this.#onAnswer(error.failure, this.#clock() - began);
      return error;
    }
  }

  #inOrder(): readonly Server[] {
    const now = this.#clock();
    const isSetBack = (server: Server) => now - (this.#failedAt.get(server) ?? Number.NEGATIVE_INFINITY) < SET_BACK;
    return [...this.#servers.filter((server) => !isSetBack(server)), ...this.#servers.filter(isSetBack)];
  }
}

/** One error for all servers: the first server's, with what the others said. */
function allOf(errors: readonly PrometheusError[]): PrometheusError {
  const [first, ...others] = errors;
  if (first === undefined) return new PrometheusError({ failure: "unreachable", message: "there is no server to ask" });
  if (others.length === 0) return first;
  return new PrometheusError({ failure: first.failure, message: errors.map(({ detail }) => detail).join("; "), cause: first });
}
