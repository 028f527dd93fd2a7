/** Something that stays open between two exchanges. */
export interface LongLived {
  /**
   * Sends a line or message, and resolves with the one that comes back. Rejects when it has ended,
   * or none comes in time.
   */
  exchange(line: string): Promise<string>;
  /** Ends it. Resolves with how it ended, where there is something to tell. */
  close(): Promise<unknown>;
}
