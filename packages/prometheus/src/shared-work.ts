/** Work that is under way, and the number of callers that wait for it. */
interface UnderWay<T> {
  readonly result: Promise<T>;
  readonly abort: AbortController;
  waiting: number;
}

/**
 * Equal work that is requested several times at once is done once. It is cancelled when nobody
 * waits for it any more.
 */
export class SharedWork<T> {
  readonly #underWay = new Map<string, UnderWay<T>>();
  #closed: Error | undefined;

  /**
   * @param key of equal work
   * @param signal this caller stops waiting
   */
  async join(key: string, work: (signal: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (this.#closed !== undefined) throw this.#closed;
    signal?.throwIfAborted();
    const shared = this.#underWay.get(key) ?? this.#begin(key, work);
    shared.waiting += 1;
    const gaveUp = Promise.withResolvers<never>();
    const giveUp = () => gaveUp.reject(signal?.reason);
    signal?.addEventListener("abort", giveUp, { once: true });
    try {
      return await Promise.race([shared.result, gaveUp.promise]);
    } finally {
      signal?.removeEventListener("abort", giveUp);
      shared.waiting -= 1;
      if (shared.waiting === 0) this.#leave(key, shared);
    }
  }

  /** Callers that wait get this error, and so do later ones. */
  close(error: Error): void {
    this.#closed = error;
    for (const { abort } of this.#underWay.values()) abort.abort(error);
  }

  #begin(key: string, work: (signal: AbortSignal) => Promise<T>): UnderWay<T> {
    const abort = new AbortController();
    const result = work(abort.signal).finally(() => this.#end(key, shared));
    const shared: UnderWay<T> = { result, abort, waiting: 0 };
    // Callers that wait get the error. If nobody waits any more, it is dropped.
    result.catch(() => {});
    this.#underWay.set(key, shared);
    return shared;
  }

  /** Nobody may join cancelled work. */
  #leave(key: string, shared: UnderWay<T>): void {
    this.#end(key, shared);
    shared.abort.abort(new Error("nobody waits for it"));
  }

  #end(key: string, shared: UnderWay<T>): void {
    if (this.#underWay.get(key) === shared) this.#underWay.delete(key);
  }
}
