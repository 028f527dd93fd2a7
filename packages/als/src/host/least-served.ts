/** Served time halves in this many milliseconds, so that a flood of yesterday is forgiven. */
const HALF_LIFE_MS = 1_000;
/** Levels of service: each stands for twice the time of the one before. */
const LEVELS = 16;
/** Milliseconds that the lowest level stands for. */
const LOWEST_MS = 0.125;
/** Consumed places of a queue before it is copied. */
const SLACK = 1_024;

/** How long somebody was served, less and less remembered. */
export class Usage {
  #spent = 0;
  #at = 0;

  add(ms: number, now: number): void {
    this.#decay(now);
    this.#spent += ms;
  }

  /** 0 for one that was hardly served, up to {@link LEVELS} − 1. */
  levelAt(now: number): number {
    this.#decay(now);
    return this.level;
  }

  /** The same as of the last {@link add}. */
  get level(): number {
    const level = Math.ceil(Math.log2(this.#spent / LOWEST_MS));
    return Math.max(0, Math.min(LEVELS - 1, level));
  }

  #decay(now: number): void {
    if (now > this.#at) this.#spent *= 0.5 ** ((now - this.#at) / HALF_LIFE_MS);
    this.#at = Math.max(now, this.#at);
  }
}

/** A queue that gives out whoever has the lowest level, first come, first served within one. Each operation takes the same time, however many wait. */
export class LeastServed<T> {
  /** Made when they are needed: most peers never wait. */
  readonly #levels: (Fifo<T> | undefined)[] = [];
  #size = 0;

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
    const queue = this.#levels.find((candidate) => candidate !== undefined && candidate.size > 0);
    if (queue === undefined) return undefined;
    this.#size--;
    return queue.shift();
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
