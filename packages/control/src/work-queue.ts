import { doublingPause, LONGEST_TIMER, type PauseLimits, pauseAskedBy, shortenedAtRandom } from "@fenceline/api";
import { FairLine } from "./fair-line.ts";

/** Settings of a {@link WorkQueue}. */
export interface WorkQueueOptions<K> {
  /**
   * Does the work for one key. A rejection is retried with back-off. Never called for the same key
   * twice at once. May resolve with a pause in milliseconds after which it wants to be called
   * again, after 24 days at the latest.
   */
  readonly work: (key: K) => Promise<number | undefined>;
  /**
   * Told of every rejection: the pause before the next try in milliseconds, and how many there were
   * in a row.
   */
  readonly onError: (key: K, error: unknown, retryAfter: number, failures: number) => void;
  /** Most keys worked on at once, asked for before each. Default 4. */
  readonly concurrency?: () => number;
  /**
   * The owner of a key: one with many waiting keys does not delay the others' keys. Default: all
   * keys have one owner.
   */
  readonly share?: (key: K) => string;
  /**
   * First and longest pause before a retry, in milliseconds; default 50 and 30 000. An error that
   * asks for a longer pause gets it, up to the longest. A request brings a retry forward, but never
   * below that pause, or below `forward` (default 1 000): requests may come at the rate of the
   * whole mesh's changes.
   */
  readonly backoff?: PauseLimits & { readonly forward?: number };
}

interface Item<K> {
  readonly key: K;
  readonly share: string;
  /** Goes before keys that are not urgent when it waits next. */
  urgent: boolean;
  running: boolean;
  /**
   * Added again while it was being worked on: the work must run once more, since it may have read
   * old input.
   */
  again: boolean;
  failures: number;
  retry: NodeJS.Timeout | undefined;
  /**
   * Before this time, of a clock that never goes back, a request does not bring the retry forward.
   */
  notBefore: number;
}

const FORWARD = 1_000;

/**
 * After so many milliseconds of work the queue waits for the next turn of the event loop. A run
 * that writes nothing never waits, so runs of a thousand objects would be one turn. Meanwhile no
 * access log would be read, no probe answered, and no Lease renewed.
 */
const LONGEST_TURN = 10;
/** One of this many runs is for a key that is not urgent, so that none of them waits for ever. */
const TURNS_OF_URGENT = 4;

/**
 * A queue of keys, as every controller of Kubernetes has one. Many events of one object become one
 * run. The same object is never worked on twice at once. A failing object is tried again ever more
 * slowly, and holds up no other. Owners of keys take turns.
 */
export class WorkQueue<K> {
  readonly #options: Required<WorkQueueOptions<K>>;
  readonly #items = new Map<string, Item<K>>();
  readonly #urgent = new FairLine();
  readonly #waiting = new FairLine();
  readonly #idle: (() => void)[] = [];
  #running = 0;
  #started = 0;
  #closed = false;
  /** When this turn of the event loop, or one before it, began to work. */
  #turnSince: number | undefined;
  /** What waits does so for the next turn. */
  #isPausing = false;

  constructor(options: WorkQueueOptions<K>) {
    this.#options = { concurrency: () => 4, share: () => "", backoff: { first: 50, longest: 30_000 }, ...options };
  }

  /**
   * Asks for work on a key. `id` must be the same for equal keys. A retry that is pending is
   * brought forward.
   *
   * @param urgent whether it goes before what waits and is not. Default false
   */
  add(id: string, key: K, urgent = false): void {
    if (this.#closed) return;
    const item = this.#items.get(id);
    if (item === undefined) {
      const share = this.#options.share(key);
      const added = { key, share, urgent, running: false, again: false, failures: 0, retry: undefined, notBefore: 0 };
      this.#items.set(id, added);
      this.#enqueue(id, added);
      return;
    }
    item.urgent ||= urgent;
    if (item.running) item.again = true;
    else if (item.retry !== undefined) this.#retry(id, item, item.notBefore - performance.now());
    else if (urgent && this.#waiting.delete(id, item.share)) this.#urgent.add(id, item.share);
  }

  /** Resolves when nothing runs and nothing waits; retries that are pending do not count. */
  async idle(): Promise<void> {
    if (!this.#isIdle()) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Lets what is running or waiting finish, and takes nothing more. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { retry } of this.#items.values()) clearTimeout(retry);
    await this.idle();
  }

  #isIdle(): boolean {
    return this.#running === 0 && !this.#isWaiting();
  }

  #isWaiting(): boolean {
    return this.#waiting.size + this.#urgent.size > 0;
  }

  #enqueue(id: string, item: Item<K>): void {
    this.#line(item).add(id, item.share);
    this.#start();
  }

  #start(): void {
    while (!this.#isPausing && this.#isWaiting() && this.#running < this.#options.concurrency()) {
      this.#turnSince ??= performance.now();
      if (performance.now() - this.#turnSince > LONGEST_TURN) {
        this.#pause();
        return;
      }
      const id = this.#next();
      const item = id === undefined ? undefined : this.#items.get(id);
      if (id === undefined || item === undefined) break;
      const { urgent } = item;
      item.urgent = false;
      item.running = true;
      this.#running += 1;
      void this.#run(id, item, urgent);
    }
  }

  #pause(): void {
    this.#isPausing = true;
    setImmediate(() => {
      this.#isPausing = false;
      this.#turnSince = undefined;
      this.#start();
    });
  }

  /** Takes the one that is next. */
  #next(): string | undefined {
    this.#started += 1;
    const isTheirTurn = this.#started % TURNS_OF_URGENT > 0;
    const line = this.#waiting.size === 0 || (isTheirTurn && this.#urgent.size > 0) ? this.#urgent : this.#waiting;
    return line.next();
  }

  #line({ urgent }: Item<K>): FairLine {
    return urgent ? this.#urgent : this.#waiting;
  }

  async #run(id: string, item: Item<K>, urgent: boolean): Promise<void> {
    const again = await this.#attempt(item);
    const failed = item.failures > 0;
    // A key that is tried again is as urgent as before.
    if (again !== undefined) item.urgent ||= urgent;
    // A request that came meanwhile waits for the retry; after a success it is done at once.
    if (again !== undefined && (failed || !item.again) && !this.#closed) {
      this.#retry(id, item, failed && item.again ? item.notBefore - performance.now() : again);
      item.again = false;
    }
    this.#finish(id, item);
  }

  #retry(id: string, item: Item<K>, pause: number): void {
    clearTimeout(item.retry);
    item.retry = undefined;
    if (pause <= 0 && !item.running) this.#enqueue(id, item);
    else
      item.retry = setTimeout(
        () => {
          item.retry = undefined;
          this.#enqueue(id, item);
        },
        Math.min(pause, LONGEST_TIMER),
      ).unref();
  }

  /** Returns the pause before the next run, in milliseconds; undefined when none is wanted. */
  async #attempt(item: Item<K>): Promise<number | undefined> {
    try {
      const again = await this.#options.work(item.key);
      item.failures = 0;
      item.notBefore = 0;
      return again;
    } catch (error) {
      item.failures += 1;
      const asked = Math.min(pauseAskedBy(error), this.#options.backoff.longest);
      const retryAfter = Math.max(asked, this.#retryAfter(item.failures));
      item.notBefore = performance.now() + Math.max(asked, Math.min(retryAfter, this.#options.backoff.forward ?? FORWARD));
      this.#options.onError(item.key, error, retryAfter, item.failures);
      return retryAfter;
    }
  }

  #finish(id: string, item: Item<K>): void {
    item.running = false;
    this.#running -= 1;
    if (item.again) {
      item.again = false;
      this.#line(item).add(id, item.share);
    } else if (item.retry === undefined) this.#items.delete(id);
    this.#start();
    if (this.#isIdle()) for (const resolve of this.#idle.splice(0)) resolve();
  }

  /**
   * Doubling, and shortened by up to a half at random, so that objects that failed together do not
   * come back together.
   */
  #retryAfter(failures: number): number {
    return shortenedAtRandom(doublingPause(failures, this.#options.backoff));
  }
}
