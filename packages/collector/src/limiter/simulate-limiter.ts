import type { Config, SmartLimiter } from "@fenceline/api";
import { type SeriesPoint, type SimulatedMoment, simulated } from "@fenceline/limits";
import type { LimitFault } from "@fenceline/render/limiter";
import { limiterMetrics } from "./limiter-metrics.ts";
import { readRules } from "./limiter-rules.ts";

/** A rule of a simulated limiter. */
interface SimulatedRule {
  readonly set: string;
  /** Its name, or its place in the set. */
  readonly rule: string;
  /** Milliseconds for which a quota lasts. */
  readonly interval: number;
  /** Names of the values that its expressions use. */
  readonly names: readonly string[];
}

/** What a limiter decides over a recorded series. */
export interface SimulatedLimiter {
  readonly rules: readonly SimulatedRule[];
  readonly moments: Iterable<SimulatedMoment>;
  /** Rules that cannot be read, which are left out. */
  readonly faults: readonly LimitFault[];
}

/**
 * Has the rules of a limiter decide over a series of values.
 *
 * @param recorded names of the values that the series has
 */
export function simulateLimiter(
  limiter: SmartLimiter,
  config: Pick<Config, "limiters">,
  recorded: Iterable<string>,
  points: readonly SeriesPoint[],
): SimulatedLimiter {
  // Nothing is asked here, so its own queries harm nobody.
  const metrics = limiterMetrics(limiter, { ...config.limiters, ownQueries: true }, recorded);
  const { rules, faults } = readRules(limiter, metrics, undefined);
  return {
    rules: rules.map(({ rule: { set, name, interval }, names }) => ({ set, rule: name, interval, names })),
    moments: simulated(
      rules.map(({ adaptive }) => adaptive),
      points,
    ),
    faults,
  };
}
