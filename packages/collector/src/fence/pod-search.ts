import { isDeepStrictEqual } from "node:util";
import { type FenceKey, formatFenceKey, type Labels } from "@fenceline/api";

/** Settings of a {@link PodSearch}. */
export interface PodSearchOptions {
  /** Whether there is a pod with these labels; undefined when nobody can say. Must not throw. */
  readonly find: (namespace: string, labels: Labels) => Promise<boolean | undefined>;
  /** Told of a fence of which {@link PodSearch.of} says something else than before. */
  readonly onAnswer: (fence: FenceKey) => void;
  /** Milliseconds of a clock that never goes back. Default `performance.now`. */
  readonly clock?: () => number;
}

/**
 * What was heard of the pods of a fence: that there are `some`, or `none`; `asked` before the first
 * answer; `unknown` where nobody can say.
 */
export type PodsHeard = "some" | "none" | "asked" | "unknown";
/** What is known of them: `told` where there was no need to ask. */
export type PodsKnown = PodsHeard | "told";

interface Asked {
  readonly fence: FenceKey;
  readonly labels: Labels;
  answer: PodsHeard;
  /** When to ask next. */
  due: number;
}

/** Milliseconds after which it is asked again whether there is a pod, where there was none. */
const AGAIN = 5_000;
/** And where there was one. */
const SELDOM = 30_000;
/** And where nobody can say: the chart does not give the right to list pods. */
const HARDLY = 600_000;
const PAUSES: Readonly<Record<PodsHeard, number>> = { some: SELDOM, none: AGAIN, asked: AGAIN, unknown: HARDLY };
/** Milliseconds between two questions: 1,000 fences without a pod are no load. */
const PAUSE = 100;

/**
 * Asks whether there are pods of fences of which neither a Service nor an access log tells: those
 * of a quiet Job, for example. One question at a time, the one that is due longest first.
 */
export class PodSearch {
  readonly #options: PodSearchOptions;
  readonly #asked = new Map<string, Asked>();
  readonly #clock: () => number;
  #timer: NodeJS.Timeout | undefined;
  #isAsking = false;
  #askedAt = Number.NEGATIVE_INFINITY;
  #isClosed = false;
  readonly #idle: (() => void)[] = [];

  constructor(options: PodSearchOptions) {
    this.#options = options;
    this.#clock = options.clock ?? (() => performance.now());
  }

  /** What was heard last of a fence's pods. From now on it is asked, until {@link forget}. */
  of(fence: FenceKey, labels: Labels): PodsHeard {
    const id = formatFenceKey(fence);
    const known = this.#asked.get(id);
    if (known !== undefined && isDeepStrictEqual(known.labels, labels)) return known.answer;
    this.#asked.set(id, { fence, labels, answer: "asked", due: Number.NEGATIVE_INFINITY });
    this.#plan();
    return "asked";
  }

  /** A fence is gone, or something else tells of its pods. */
  forget(fence: FenceKey): void {
    this.#asked.delete(formatFenceKey(fence));
    this.#tellIdle();
  }

  /** Resolves when there is an answer for every fence that is asked for. */
  async idle(): Promise<void> {
    if (this.#isWaiting()) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#asked.clear();
    this.#tellIdle();
  }

  #plan(): void {
    clearTimeout(this.#timer);
    const next = this.#next();
    if (next === undefined || this.#isAsking || this.#isClosed) return;
    const at = Math.max(next.due, this.#askedAt + PAUSE);
    this.#timer = setTimeout(() => void this.#ask(next), Math.max(0, at - this.#clock())).unref();
  }

  #next(): Asked | undefined {
    let next: Asked | undefined;
    for (const each of this.#asked.values()) if (next === undefined || each.due < next.due) next = each;
    return next;
  }

  async #ask(asked: Asked): Promise<void> {
    const { find, onAnswer } = this.#options;
    const { fence, labels, answer: before } = asked;
    this.#isAsking = true;
    this.#askedAt = this.#clock();
    const found = await find(fence.namespace, labels);
    asked.answer = found === undefined ? "unknown" : found ? "some" : "none";
    asked.due = this.#clock() + PAUSES[asked.answer];
    this.#isAsking = false;
    if (asked.answer !== before && this.#asked.get(formatFenceKey(fence)) === asked) onAnswer(fence);
    this.#tellIdle();
    this.#plan();
  }

  #isWaiting(): boolean {
    return [...this.#asked.values()].some(({ answer }) => answer === "asked");
  }

  #tellIdle(): void {
    if (this.#idle.length > 0 && !this.#isWaiting()) for (const resolve of this.#idle.splice(0)) resolve();
  }
}
