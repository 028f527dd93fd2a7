import type { Material } from "../expression/material.ts";
import type { AdaptiveRule, Decision } from "./adaptive-rule.ts";

/** Values from one moment of a recorded series on. */
export interface SeriesPoint {
  /** Milliseconds. They never go back. */
  readonly at: number;
  /** Values that are not among them are missing until the next point. */
  readonly values: Material;
}

/** What rules decide at one moment. */
export interface SimulatedMoment extends SeriesPoint {
  /** One for each rule, in order. */
  readonly decisions: readonly Decision[];
}

/**
 * What rules decide over a series: at each of its points, and between two of them when a decision
 * is due by time alone. It ends with the last point.
 */
export function* simulated(rules: readonly Pick<AdaptiveRule, "decide">[], points: readonly SeriesPoint[]): Generator<SimulatedMoment> {
  for (const [index, { at, values }] of points.entries()) {
    const end = points[index + 1]?.at ?? at;
    let now = at;
    do {
      const decisions = rules.map((rule) => rule.decide(values, now));
      yield { at: now, values, decisions };
      now += Math.min(...decisions.map(({ nextIn }) => nextIn ?? Number.POSITIVE_INFINITY));
    } while (now < end);
  }
}
