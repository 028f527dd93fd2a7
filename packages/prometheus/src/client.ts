import type { QueryAnswer } from "./answer.ts";
import type { PrometheusServer } from "./credentials.ts";
import { PrometheusError, type PrometheusFailure } from "./prometheus-error.ts";
import { Server } from "./server.ts";
import { SharedWork } from "./shared-work.ts";
import { Slots } from "./slots.ts";

/** Settings of a {@link PrometheusClient}. */
export interface PrometheusClientOptions {
  /** Servers with the same series: the first that answers is used. At least one. */
  readonly servers: readonly PrometheusServer[];
  /** Longest wait for the answer of one server, in milliseconds. Default 30 000. */
  readonly timeout?: number;
  /** Largest answer, in bytes. Default 16 MiB. */
  readonly maxBytes?: number;
  /** Most queries at a time; further ones wait. Default 4. */
  readonly maxConcurrent?: number;
  /** Called for each answer of a server, and for each that failed. Default: nothing is called. */
  readonly onAnswer?: (outcome: "ok" | PrometheusFailure, took: number) => void;
  /** Milliseconds, monotonic. */
  readonly clock?: () => number;
}

/** For this time, in milliseconds, a server that failed is asked after the others. */
const SET_BACK = 30_000;

/**
 * Queries Prometheus, or anything with its API: Thanos, Mimir, VictoriaMetrics.
 *
 * Servers are tried in the given order. One that failed is tried last for half a minute, so that a
 * dead server costs its timeout once and not for each query. A query that is itself wrong is not
 * sent to the next server. Equal queries at the same time are sent once.
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
   * The current result of a query.
   *
   * @param signal cancels the query; others that wait for the same query go on
   * @throws {PrometheusError} when no server answers it; the reason of the signal when it was
   * cancelled
   */
  query(text: string, signal?: AbortSignal): Promise<QueryAnswer> {
    return this.#queries.join(text, (given) => this.#slots.run(() => this.#ask(text, given)), signal);
  }

  /**
   * The current number of a query; undefined when there is none, or it is not finite: 0 divided by
   * 0 is `NaN` for Prometheus.
   *
   * @throws {PrometheusError} as {@link query}; `PROMETHEUS_AMBIGUOUS` when there are several
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

  /** Queries under way fail, and so does every later one. */
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

/** One error for all servers: the first server's, with the errors of the others. */
function allOf(errors: readonly PrometheusError[]): PrometheusError {
  const [first, ...others] = errors;
  if (first === undefined) return new PrometheusError({ failure: "unreachable", message: "there is no server to ask" });
  if (others.length === 0) return first;
  return new PrometheusError({ failure: first.failure, message: errors.map(({ detail }) => detail).join("; "), cause: first });
}
