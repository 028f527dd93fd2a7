/** How the quota of a rule may move. Times are milliseconds of a clock that never goes back. */
export interface RulePolicy {
  /** Least quota. Default 1: Envoy refuses a bucket of 0 tokens. */
  readonly min?: number;
  /** Most quota. Default {@link MOST_QUOTA}. */
  readonly max?: number;
  /**
   * Most that one move changes: a number, or a part of the quota before, rounded up. Default: any.
   */
  readonly largestStep?: { readonly by: number } | { readonly part: number };
  /** Pause between two moves where {@link largestStep} is given. Default 30 s. */
  readonly stepEvery?: number;
  /**
   * How long a condition must hold, or not hold, before that counts. The same for a quota that is
   * wanted higher, or lower, than the one in force. Default 0: at once.
   */
  readonly holdFor?: number;
  /**
   * How long the last decision stays in force without values. At least `holdFor`. Default 5 min.
   */
  readonly staleAfter?: number;
  /** Quota from then on. Default: the last one stays. */
  readonly fallback?: number;
}

/** What a token bucket of Envoy can hold: an unsigned integer of 32 bits. */
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

/** Fills in what a policy leaves open. */
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
    // A quota that moved must not move back within `holdFor`, even if values are missing.
    staleAfter: Math.max(staleAfter, holdFor),
    fallback: fallback === undefined ? undefined : bounded(fallback, least, most),
  };
}

/** The whole number within the bounds that is nearest to a value, rounded up. */
export function bounded(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, Math.ceil(value)));
}
