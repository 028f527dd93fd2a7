import type { ValueQuery } from "./limiter-queries.ts";

/** Queries of limiters that ask for the same, and so are asked once. */
export interface Question {
  readonly key: string;
  readonly queries: readonly ValueQuery[];
}

/**
 * The questions of a round in the order in which they are asked: the first of each namespace, the
 * second of each, and so on, and of those the one that was not asked for the longest time. So many
 * or slow queries of one namespace keep nobody else's waiting, and each is asked at some time.
 *
 * @param askedAt when a question was asked last, by its key
 */
export function questionsInOrder(queries: readonly ValueQuery[], askedAt: ReadonlyMap<string, number>): readonly Question[] {
  const last = ({ key }: Question) => askedAt.get(key) ?? Number.NEGATIVE_INFINITY;
  const byAge = (one: Question, other: Question) => compareNumbers(last(one), last(other));
  const questions = [...Map.groupBy(queries, ({ key }) => key)].map(([key, list]): Question => ({ key, queries: list }));
  const byNamespace = Map.groupBy(questions, ({ queries: [first] }) => first?.of.namespace ?? "");
  const ranked = [...byNamespace.values()].flatMap((list) => list.sort(byAge).map((question, rank) => ({ question, rank })));
  return ranked.sort((one, other) => one.rank - other.rank || byAge(one.question, other.question)).map(({ question }) => question);
}

function compareNumbers(one: number, other: number): number {
  return one === other ? 0 : one < other ? -1 : 1;
}
