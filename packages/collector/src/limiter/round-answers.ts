import { type ObjectRef, refText } from "@fenceline/api";
import type { ValueQuery } from "./limiter-queries.ts";
import type { Answer } from "./limiter-values.ts";

/** The queries of a round by limiter: a limiter is told when its last one is answered. */
export class RoundAnswers {
  readonly #open = new Map<string, Set<ValueQuery>>();
  readonly #answers = new Map<string, Map<ValueQuery, Answer>>();
  readonly #take: (of: ObjectRef, answers: ReadonlyMap<ValueQuery, Answer>) => void;

  constructor(queries: readonly ValueQuery[], take: (of: ObjectRef, answers: ReadonlyMap<ValueQuery, Answer>) => void) {
    this.#take = take;
    for (const [id, list] of Map.groupBy(queries, ({ of }) => refText(of))) {
      this.#open.set(id, new Set(list));
      this.#answers.set(id, new Map());
    }
  }

  /** Queries without an answer. */
  get open(): readonly ValueQuery[] {
    return [...this.#open.values()].flatMap((list) => [...list]);
  }

  answered(query: ValueQuery, answer: Answer): void {
    const id = refText(query.of);
    const open = this.#open.get(id);
    if (open?.delete(query) !== true) return;
    this.#answers.get(id)?.set(query, answer);
    if (open.size === 0) this.#tell(id, query.of);
  }

  /** Tells the limiters that have a part of their answers. */
  end(): void {
    for (const [id, answers] of [...this.#answers]) {
      const [first] = answers.keys();
      if (first !== undefined) this.#tell(id, first.of);
    }
  }

  #tell(id: string, of: ObjectRef): void {
    this.#take(of, this.#answers.get(id) ?? new Map());
    this.#answers.delete(id);
    this.#open.delete(id);
  }
}
