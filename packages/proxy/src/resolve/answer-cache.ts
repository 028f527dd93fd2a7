/** An answer with its key, and the caller for which it counts. */
interface Item<T> {
  share: string;
  readonly size: number;
  readonly value: T;
}

/** The answers of one caller in the cache. */
interface Share<T> {
  /** The least recently used first. */
  readonly items: Map<string, Item<T>>;
  size: number;
}

/** Stands for the caller of answers without one. No namespace has this name. */
const NOBODY = "";

export interface AnswerCacheLimits {
  /** Most answers that are remembered. */
  readonly maxAnswers: number;
  /** The sum of their sizes. */
  readonly maxSize: number;
}

/**
 * Answers to look-ups. When there are too many, the least recently used one of the caller with the
 * most is removed. A caller can easily invent names that do not exist, and ports that no service
 * has. They must not displace answers of others, which are needed while a name server fails (T-08).
 */
export class AnswerCache<T> {
  readonly #limits: AnswerCacheLimits;
  readonly #items = new Map<string, Item<T>>();
  readonly #shares = new Map<string, Share<T>>();
  #size = 0;

  constructor(limits: AnswerCacheLimits) {
    this.#limits = limits;
  }

  /** @param share the caller for which the answer counts from now on. Default: the one before */
  get(key: string, share?: string): T | undefined {
    const item = this.#items.get(key);
    if (item === undefined) return undefined;
    this.#leave(key, item);
    item.share = share ?? item.share;
    this.#join(key, item);
    return item.value;
  }

  /** @param share as of {@link get} @param size of the answer, at least 1 */
  set(key: string, share: string | undefined, value: T, size: number): void {
    const before = this.#items.get(key);
    if (before !== undefined) this.#remove(key, before);
    const item = { share: share ?? before?.share ?? NOBODY, size, value };
    this.#items.set(key, item);
    this.#size += size;
    this.#join(key, item);
    const { maxAnswers, maxSize } = this.#limits;
    while (this.#items.size > maxAnswers) this.#evict(({ items }) => items.size);
    while (this.#size > maxSize) this.#evict(({ size }) => size);
  }

  /** @param amount the size that is too large */
  #evict(amount: (share: Share<T>) => number): void {
    let most: Share<T> | undefined;
    for (const share of this.#shares.values()) if (most === undefined || amount(share) > amount(most)) most = share;
    for (const [key, item] of most?.items ?? []) {
      this.#remove(key, item);
      return;
    }
  }

  #remove(key: string, item: Item<T>): void {
    this.#items.delete(key);
    this.#size -= item.size;
    this.#leave(key, item);
  }

  #join(key: string, item: Item<T>): void {
    let share = this.#shares.get(item.share);
    if (share === undefined) {
      share = { items: new Map(), size: 0 };
      this.#shares.set(item.share, share);
    }
    share.items.set(key, item);
    share.size += item.size;
  }

  #leave(key: string, item: Item<T>): void {
    const share = this.#shares.get(item.share);
    if (share === undefined) return;
    share.items.delete(key);
    share.size -= item.size;
    if (share.items.size === 0) this.#shares.delete(item.share);
  }
}
