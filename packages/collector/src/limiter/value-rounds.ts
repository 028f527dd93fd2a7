import { durationMs, LineBudget, type ObjectRef } from "@fenceline/api";
import { PrometheusError } from "@fenceline/prometheus";
import type { KindContext } from "../kind-context.ts";
import type { ValueQuery } from "./limiter-queries.ts";
import type { Answer, LimiterValues } from "./limiter-values.ts";
import { type Question, questionsInOrder } from "./question-order.ts";
import { RoundAnswers } from "./round-answers.ts";

/** What {@link ValueRounds} work with. */
export interface ValueRoundsOptions extends Pick<KindContext, "samples" | "leads" | "logger" | "metrics"> {
  readonly config: KindContext["config"];
  readonly values: LimiterValues;
  /** Queries of all limiters, those of the oldest first. */
  readonly queries: () => Iterable<ValueQuery>;
  /** Told of a limiter with other values than before. */
  readonly onChanged: (of: ObjectRef) => void;
  /** Milliseconds of a clock that never goes back. Default `performance.now`. */
  readonly clock?: () => number;
}

/** Most values of the limiters of a namespace. */
const MOST_VALUES = 1_000;
/** An answer counts for so many intervals where a round has no time for the query. */
const KEPT_ROUNDS = 3;

const NOBODY = { fault: "no Prometheus is configured: set telemetry.prometheus.servers" } as const;
const TOO_MANY = { fault: `the limiters of the namespace use more than ${MOST_VALUES.toLocaleString("en")} values` } as const;
const TOO_LATE = { fault: "it was not asked for in time: there are too many queries, or they are too slow" } as const;

/**
 * Asks for the values of all limiters, in rounds. Equal queries are asked once, several at a time.
 * A limiter has its values as soon as its own queries are answered, whatever becomes of others.
 *
 * A round begins no query after an interval. Those that are left come first in the next one.
 */
export class ValueRounds {
  readonly #options: ValueRoundsOptions;
  readonly #interval: number;
  readonly #clock: () => number;
  readonly #lines = new LineBudget({ window: 600_000 });
  readonly #end = new AbortController();
  /** By the key of a question. */
  #askedAt = new Map<string, number>();
  #dueAt = Number.NEGATIVE_INFINITY;
  #hasNews = false;
  #running: Promise<void> | undefined;

  constructor(options: ValueRoundsOptions) {
    this.#options = options;
    this.#interval = durationMs(options.config.limiters.interval);
    this.#clock = options.clock ?? (() => performance.now());
  }

  /** Limiters may use values that were not asked for yet: they are asked for at the next tick. */
  news(): void {
    this.#hasNews = true;
  }

  /** Time has passed. Only the replica that leads asks: the others render nothing. */
  tick(): void {
    if (!this.#options.leads()) {
      this.#forget();
      return;
    }
    if (this.#running !== undefined || this.#end.signal.aborted) return;
    const isDue = this.#clock() >= this.#dueAt;
    if (!isDue && !this.#hasNews) return;
    this.#hasNews = false;
    if (isDue) this.#dueAt = this.#clock() + this.#interval;
    this.#running = this.#round([...this.#options.queries()], isDue).finally(() => {
      this.#running = undefined;
    });
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    await this.#running;
  }

  /** Gives up what is under way. */
  async close(): Promise<void> {
    this.#end.abort();
    await this.#running;
  }

  #forget(): void {
    this.#options.values.clear();
    this.#count();
    this.#dueAt = Number.NEGATIVE_INFINITY;
  }

  /** @param isDue whether all values are asked for, or only those that were not asked for yet */
  async #round(all: readonly ValueQuery[], isDue: boolean): Promise<void> {
    const { values, config } = this.#options;
    if (isDue) values.retain(all);
    const limiters = new RoundAnswers(isDue ? all : all.filter((query) => !values.has(query)), (of, answers) => this.#take(of, answers));
    for (const query of beyond(all)) limiters.answered(query, TOO_MANY);
    const questions = questionsInOrder(limiters.open, this.#askedAt);
    if (isDue) this.#askedAt = new Map(questions.flatMap(({ key }) => this.#lastAsked(key)));
    const until = this.#clock() + this.#interval;
    const left = questions.values();
    const ask = async () => {
      for (const question of left) {
        if (this.#end.signal.aborted || this.#clock() >= until) return;
        const answer = await this.#answer(question);
        for (const query of question.queries) limiters.answered(query, answer);
      }
    };
    await Promise.all(Array.from({ length: config.telemetry.prometheus.maxConcurrent }, ask));
    if (this.#end.signal.aborted) return;
    for (const query of limiters.open) if (this.#isOld(query)) limiters.answered(query, TOO_LATE);
    limiters.end();
    this.#count();
  }

  #count(): void {
    const { values, metrics } = this.#options;
    for (const [state, count] of Object.entries(values.counts())) metrics.limiterValues.set({ state }, count);
  }

  #lastAsked(key: string): readonly (readonly [string, number])[] {
    const at = this.#askedAt.get(key);
    return at === undefined ? [] : [[key, at]];
  }

  async #answer({ key, queries: [query] }: Question): Promise<Answer> {
    const { samples } = this.#options;
    this.#askedAt.set(key, this.#clock());
    if (samples === undefined || query === undefined) return NOBODY;
    try {
      const asked = query.text();
      if ("fault" in asked) return asked;
      const value = await samples.query(asked.text, this.#end.signal);
      return value === undefined ? { fault: "the query gives no number" } : { value };
    } catch (error) {
      return { fault: this.#failed(error, query) };
    }
  }

  /** What an author of a limiter may know of it: of the query all, of the server its code. */
  #failed(error: unknown, query: ValueQuery | undefined): string {
    const { code, detail, isOfQuery } =
      error instanceof PrometheusError ? error : { code: "PROMETHEUS_FAILED", detail: String(error), isOfQuery: false };
    const suppressed = this.#end.signal.aborted ? undefined : this.#lines.take(isOfQuery ? (query?.of.namespace ?? "") : "");
    if (suppressed !== undefined && query !== undefined) {
      const limiter = `${query.of.namespace}/${query.of.name}`;
      this.#options.logger.warn(
        { limiter, metric: query.metric, code, detail, suppressed },
        "query for a limiter failed, the others go on",
      );
    }
    return isOfQuery ? `${code}: ${detail}` : code;
  }

  #take(of: ObjectRef, answers: ReadonlyMap<ValueQuery, Answer>): void {
    const { values, onChanged } = this.#options;
    if (!this.#end.signal.aborted && values.take(of, answers, this.#clock())) onChanged(of);
  }

  #isOld(query: ValueQuery): boolean {
    const at = this.#options.values.answeredAt(query);
    return at === undefined || this.#clock() - at >= KEPT_ROUNDS * this.#interval;
  }
}

/** The queries of each namespace for which there is no room. */
function beyond(queries: readonly ValueQuery[]): readonly ValueQuery[] {
  const counts = new Map<string, number>();
  return queries.filter(({ of: { namespace } }) => {
    const count = (counts.get(namespace) ?? 0) + 1;
    counts.set(namespace, count);
    return count > MOST_VALUES;
  });
}
