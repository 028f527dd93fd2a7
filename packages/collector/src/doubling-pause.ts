/** Limits of a pause that doubles, in milliseconds. */
export interface PauseLimits {
  readonly first: number;
  readonly longest: number;
}

/** The pause after so many times in a row, in milliseconds: none after none, then the first one, doubled with every further time up to the longest. */
export function doublingPause(times: number, { first, longest }: PauseLimits): number {
  return times === 0 ? 0 : Math.min(longest, first * 2 ** (times - 1));
}
