import { isDeepStrictEqual } from "node:util";
import { type ObjectRef, refText } from "@fenceline/api";
import type { Material } from "@fenceline/limits";
import type { LimiterMetrics } from "./limiter-metrics.ts";
import type { ValueQuery } from "./limiter-queries.ts";

/** The last answer for a value: its number, or why there is none. */
export type Answer = { readonly value: number } | { readonly fault: string };

/** An answer with its query. */
interface Known {
  readonly query: Pick<ValueQuery, "metric" | "query">;
  readonly answer: Answer;
  /** When it came, in milliseconds of a clock that never goes back. */
  readonly at: number;
}

/** The values of a limiter now. */
export interface CurrentValues {
  readonly values: Material;
  /** Why values are missing, by name. */
  readonly faults: ReadonlyMap<string, string>;
}

/** Answers for the values of limiters, by limiter and name. */
export class LimiterValues {
  readonly #known = new Map<string, ReadonlyMap<string, Known>>();

  /** What counts of it: an answer to a query that is written otherwise by now does not. */
  of(of: ObjectRef, { queries }: LimiterMetrics): CurrentValues {
    const values = new Map<string, number>();
    const faults = new Map<string, string>();
    for (const [name, { query, answer }] of this.#known.get(refText(of)) ?? []) {
      if (queries.get(query.metric) !== query.query) continue;
      if ("value" in answer) values.set(name, answer.value);
      else faults.set(name, answer.fault);
    }
    return { values, faults };
  }

  /** Whether there was an answer to this query. */
  has({ of, name, query }: ValueQuery): boolean {
    return this.#known.get(refText(of))?.get(name)?.query.query === query;
  }

  /** When the last answer for a value came; undefined before the first. */
  answeredAt({ of, name }: ValueQuery): number | undefined {
    return this.#known.get(refText(of))?.get(name)?.at;
  }

  /**
   * Takes answers for one limiter, all at once, so that no quota is made from a new and an old one.
   *
   * @returns whether any of them is another one than before
   */
  take(of: ObjectRef, answers: ReadonlyMap<ValueQuery, Answer>, at: number): boolean {
    const before = this.#known.get(refText(of)) ?? new Map<string, Known>();
    const after = new Map(before);
    for (const [query, answer] of answers) after.set(query.name, { query, answer, at });
    this.#known.set(refText(of), after);
    return [...answers].some(([query, answer]) => {
      const known = before.get(query.name);
      return known?.query.query !== query.query || !isDeepStrictEqual(known.answer, answer);
    });
  }

  /** Forgets what is not asked for any more. */
  retain(asked: readonly ValueQuery[]): void {
    const names = new Map(
      [...Map.groupBy(asked, ({ of }) => refText(of))].map(([id, list]) => [id, new Set(list.map(({ name }) => name))]),
    );
    for (const [id, known] of this.#known) {
      const kept = [...known].filter(([name]) => names.get(id)?.has(name) === true);
      if (kept.length === 0) this.#known.delete(id);
      else if (kept.length < known.size) this.#known.set(id, new Map(kept));
    }
  }

  /** How many values are known, and how many were asked for in vain. */
  counts(): { readonly known: number; readonly missing: number } {
    const answers = [...this.#known.values()].flatMap((known) => [...known.values()]);
    const known = answers.filter(({ answer }) => "value" in answer).length;
    return { known, missing: answers.length - known };
  }

  clear(): void {
    this.#known.clear();
  }
}
