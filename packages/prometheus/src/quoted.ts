/** A quoted text of PromQL, for the value of a label or an expression. */
export function quoted(text: string): string {
  return JSON.stringify(text);
}
