/** What a suite hands back: a table for people, and the same for programs. */
export interface Report {
  readonly text: string;
  readonly data: Record<string, unknown>;
}
