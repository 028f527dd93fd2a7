/** Text in quotes as PromQL reads it, for the value of a label or an expression. */
export function quoted(text: string): string {
  return JSON.stringify(text);
}
