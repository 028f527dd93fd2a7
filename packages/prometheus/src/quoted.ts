/** Text as PromQL has it between quotes, for the value of a label or an expression. */
export function quoted(text: string): string {
  return JSON.stringify(text);
}
