/** C0 and C1 controls, DEL, and the marks that turn the direction of text. */
const CONTROLS = /[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu;

/**
 * Text that does nothing but stand there, on one line. Hosts, names and certificates are written by
 * others, and a terminal obeys what it is sent: `ESC ]` sets its title, a line feed forges a line
 * of ours.
 */
export function printable(text: string): string {
  return text.replace(CONTROLS, (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** The same of each line of a text that we made of several. */
export function printableLines(text: string): string {
  return text.split("\n").map(printable).join("\n");
}

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
