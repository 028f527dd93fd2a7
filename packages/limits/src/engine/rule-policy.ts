/** How the quota of a rule may change. Times are milliseconds of a clock that never goes back. */
export interface RulePolicy {
  /** Smallest quota. Default 1: Envoy rejects a bucket of 0 tokens. */
  readonly min?: number;
  /** Largest quota. Default {@link MOST_QUOTA}. */
  readonly max?: number;
  /**
   * Largest change in one step: a number, or a part of the quota before, rounded up. Default: any.
   */
  readonly largestStep?: { readonly by: number } | { readonly part: number };
  /** Pause between two steps where {@link largestStep} is given. Default 30 s. */
  readonly stepEvery?: number;
  /**
   * How long a condition must hold, or not hold, before that counts. The same applies to a wanted
   * quota that is higher, or lower, than the one in force. Default 0: at once.
   */
  readonly holdFor?: number;
  /**
   * How long the last decision stays in force without values. At least `holdFor`. Default 5 min.
   */
  readonly staleAfter?: number;
  /** Quota after that time. Default: the last one stays. */
  readonly fallback?: number;
}

/** The most that a token bucket of Envoy can hold: an unsigned integer of 32 bits. */
const MOST_QUOTA = 4_294_967_295;

/** A policy with its defaults, in order. */
export interface Limits {
  readonly min: number;
  readonly max: number;
  readonly largestStep: RulePolicy["largestStep"];
  readonly stepEvery: number;
  readonly holdFor: number;
  readonly staleAfter: number;
  readonly fallback: number | undefined;
}

/** Adds the defaults to a policy. */
export function limitsOf({
  min = 1,
  max = MOST_QUOTA,
  holdFor = 0,
  staleAfter = 300_000,
  stepEvery = 30_000,
  ...rest
}: RulePolicy): Limits {
  const { largestStep, fallback } = rest;
  const least = bounded(min, 1, MOST_QUOTA);
  const most = bounded(max, least, MOST_QUOTA);
  return {
    min: least,
    max: most,
    largestStep,
    stepEvery,
    holdFor,
    // A quota that has changed must not change back within `holdFor`, even if values are missing.
    staleAfter: Math.max(staleAfter, holdFor),
    fallback: fallback === undefined ? undefined : bounded(fallback, least, most),
  };
}

/** A value rounded up to a whole number, within the bounds. */
export function bounded(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, Math.ceil(value)));
}
