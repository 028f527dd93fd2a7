/** Served time halves in this many milliseconds, so that an old flood is forgotten. */
const HALF_LIFE_MS = 1_000;
/** Levels of service: each stands for twice the time of the one before. */
const LEVELS = 16;
/** Milliseconds that the lowest level stands for. */
const LOWEST_MS = 0.125;
/** Consumed places of a queue after which it is copied. */
const SLACK = 1_024;

/** How long somebody was served, in time that decays. */
export class Usage {
  #spent = 0;
  #at = 0;

  add(ms: number, now: number): void {
    this.#decay(now);
    this.#spent += ms;
  }

  /** From 0, for hardly any service, up to {@link LEVELS} − 1. */
  levelAt(now: number): number {
    this.#decay(now);
    return this.level;
  }

  /** The level at the last {@link add}. */
  get level(): number {
    const level = Math.ceil(Math.log2(this.#spent / LOWEST_MS));
    return Math.max(0, Math.min(LEVELS - 1, level));
  }

  #decay(now: number): void {
    if (now > this.#at) this.#spent *= 0.5 ** ((now - this.#at) / HALF_LIFE_MS);
    this.#at = Math.max(now, this.#at);
  }
}

/** Number of items after which another level has its turn. */
const TURN_OF_OTHERS = 4;

/**
 * A queue that returns an item of the lowest level; within a level the first comes first. Each
 * operation takes constant time.
 *
 * Every fourth item is of another level. A client that opens a new stream for each message always
 * has the lowest level. Without this rule, such streams would keep out every stream that was ever
 * served.
 */
export class LeastServed<T> {
  /** Created when they are needed: most peers never wait. */
  readonly #levels: (Fifo<T> | undefined)[] = [];
  #size = 0;
  #given = 0;
  #turn = 0;

  get size(): number {
    return this.#size;
  }

  push(item: T, level: number): void {
    const queue = this.#levels[level] ?? new Fifo<T>();
    this.#levels[level] = queue;
    queue.push(item);
    this.#size++;
  }

  shift(): T | undefined {
    const isWaiting = (queue: Fifo<T> | undefined) => queue !== undefined && queue.size > 0;
    const lowest = this.#levels.findIndex(isWaiting);
    if (lowest < 0) return undefined;
    this.#size--;
    this.#given++;
    if (this.#given % TURN_OF_OTHERS !== 0) return this.#levels[lowest]?.shift();
    const next = this.#levels.findIndex((queue, level) => level > this.#turn && isWaiting(queue));
    this.#turn = next < 0 ? lowest : next;
    return this.#levels[this.#turn]?.shift();
  }
}

class Fifo<T> {
  #items: (T | undefined)[] = [];
  #head = 0;

  get size(): number {
    return this.#items.length - this.#head;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    const item = this.#items[this.#head];
    this.#items[this.#head++] = undefined;
    if (this.#head === this.#items.length) {
      this.#items = [];
      this.#head = 0;
    } else if (this.#head > SLACK && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}
