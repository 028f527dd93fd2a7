/**
 * Text of somebody else's as it may be repeated in a condition, a log line or an error: at most so
 * many characters of it, and how many there were. A label or a duration of a megabyte is one, too,
 * and a condition is written whole with each write of the status.
 */
export function shortened(text: string, most = 40): string {
  return text.length <= most ? text : `${text.slice(0, most)}… (${text.length} characters)`;
}

/** Texts that {@link shortenedList} names. */
const LISTED = 5;

/**
 * The first few texts of a list as one, and how many more there are. There may be thousands of
 * things to say of an object, and a condition is written whole.
 */
export function shortenedList(texts: readonly string[], separator = "; "): string {
  const more = texts.length - LISTED;
  return [...texts.slice(0, LISTED), ...(more > 0 ? [`and ${more} more`] : [])].join(separator);
}
