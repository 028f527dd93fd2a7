const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
const PART = /(\d+(?:\.\d+)?)(ms|s|m|h)/g;
/** The form of a duration. RE2 and JavaScript read it alike. */
export const DURATION: RegExp = /^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$/;

/**
 * Longest duration accepted, in milliseconds: ten years. It keeps every sum of a time and a
 * duration an exact integer.
 */
export const LONGEST_DURATION = 10 * 365 * 24 * 3_600_000;

/**
 * Longest pause of a timer, in milliseconds: 24.8 days. Node fires at once a timer that is given
 * more.
 */
export const LONGEST_TIMER: number = 2 ** 31 - 1;

/**
 * Milliseconds of a duration as Go and Kubernetes write it: `300ms`, `1.5h`, `1h30m`.
 *
 * @returns undefined when the text is not a duration, or is longer than ten years.
 */
export function parseDuration(text: string): number | undefined {
  if (!DURATION.test(text)) return undefined;
  let total = 0;
  for (const [, count, unit] of text.matchAll(PART)) total += Number(count) * (UNITS[unit ?? ""] ?? Number.NaN);
  const milliseconds = Math.round(total);
  return milliseconds <= LONGEST_DURATION ? milliseconds : undefined;
}

/**
 * Milliseconds of a value that a schema of durations has accepted. What is longer than ten years
 * counts as ten years.
 */
export function durationMs(text: string): number {
  return parseDuration(text) ?? LONGEST_DURATION;
}

/** The shortest way to write a duration in one unit: `90s`, `24h`, `1500ms`. */
export function formatDuration(milliseconds: number): string {
  const unit = ["h", "m", "s"].find((name) => milliseconds >= (UNITS[name] ?? 0) && milliseconds % (UNITS[name] ?? 0) === 0) ?? "ms";
  return `${milliseconds / (UNITS[unit] ?? 1)}${unit}`;
}
