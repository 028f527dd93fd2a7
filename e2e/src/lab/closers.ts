/** What has to be undone, in reverse order. */
export class Closers {
  readonly #closers: (() => Promise<unknown> | unknown)[] = [];
  #isClosed = false;

  /** @throws {Error} once it is closing: what is made then would not be undone */
  requireOpen(): void {
    if (this.#isClosed) throw new Error("the lab is ending");
  }

  add(closer: () => Promise<unknown> | unknown): void {
    this.#closers.push(closer);
  }

  /**
   * Runs every closer, also after one that failed, and those that are added meanwhile.
   * @throws {AggregateError} of those that failed
   */
  async close(): Promise<void> {
    this.#isClosed = true;
    const failures: unknown[] = [];
    for (let closer = this.#closers.pop(); closer !== undefined; closer = this.#closers.pop()) {
      try {
        await closer();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, `cleaning up failed: ${failures.map(String).join("; ")}`);
  }
}

/**
 * Waits for all, and then throws the first failure. `Promise.all` would throw at once, and the
 * others would still start things during the cleanup.
 */
export async function allOf<T extends readonly unknown[]>(
  ...work: { readonly [K in keyof T]: Promise<T[K]> }
): Promise<{ -readonly [K in keyof T]: T[K] }> {
  await Promise.allSettled(work);
  return Promise.all(work) as Promise<{ -readonly [K in keyof T]: T[K] }>;
}
