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
