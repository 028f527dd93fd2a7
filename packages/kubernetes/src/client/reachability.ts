/**
 * Whether the API server answers, as all requests of this process find together. Each of them waits
 * out a pause of its own after a failure; the first that is answered again tells the others, or
 * they would go on waiting for up to half a minute.
 */
export class Reachability {
  readonly #listeners = new Set<() => void>();
  #isReachable = true;

  /** A request got an answer. One of 5xx is none: an API server that starts up gives them, too. */
  answered(status: number): void {
    if (status >= 500 || this.#isReachable) return;
    this.#isReachable = true;
    for (const listener of [...this.#listeners]) listener();
  }

  /** A request got no answer, and not because its sender gave up. */
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
