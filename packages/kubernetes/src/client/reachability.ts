/**
 * Whether the API server answers, as seen by all requests of this process. After a failure, each
 * sender waits for its own pause. The first answer ends all pauses: otherwise others would wait for
 * up to half a minute.
 */
export class Reachability {
  readonly #listeners = new Set<() => void>();
  #isReachable = true;

  /**
   * A request got an answer. A status of 5xx does not count: an API server that is starting sends
   * it, too.
   */
  answered(status: number): void {
    if (status >= 500 || this.#isReachable) return;
    this.#isReachable = true;
    for (const listener of [...this.#listeners]) listener();
  }

  /** A request got no answer, and its sender did not cancel it. */
  failed(): void {
    this.#isReachable = false;
  }

  /**
   * Calls `listener` whenever the API server answers again, until the returned function is called.
   */
  onBack(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
