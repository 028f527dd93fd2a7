/** Times as we write them, of the days that every month has: parsing takes ten times as long. */
const PLAIN_TIME = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/;
/** What `Date.prototype.toISOString` gives of the years 0 to 9999. */
const TIME_LENGTH = "2026-11-28T10:00:00.000Z".length;

/**
 * A point in time in the one form that we compare; undefined when it is none. Kubernetes also takes
 * one with an offset or without fractions.
 */
export function readTime(value: unknown): string | undefined {
  if (typeof value !== "string") return undefined;
  if (PLAIN_TIME.test(value)) return value;
  const time = /^\d{4}-/.test(value) ? Date.parse(value) : Number.NaN;
  if (!Number.isFinite(time)) return undefined;
  const text = new Date(time).toISOString();
  // An offset may lead out of the years that have four digits.
  return text.length === TIME_LENGTH ? text : undefined;
}
