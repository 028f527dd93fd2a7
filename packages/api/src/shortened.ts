/**
 * Text of somebody else's as it may be repeated in a condition, a log line or an error: at most so
 * many characters of it, and how many there were. A label or a duration of a megabyte is one, too,
 * and a condition is written whole with each write of the status.
 */
export function shortened(text: string, most = 40): string {
  return text.length <= most ? text : `${text.slice(0, most)}… (${text.length} characters)`;
}
