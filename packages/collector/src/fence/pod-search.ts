import { isDeepStrictEqual } from "node:util";
import { type FenceKey, formatFenceKey, type Labels } from "@fenceline/api";
import type { PodsFound } from "@fenceline/store";

/** Settings of a {@link PodSearch}. */
export interface PodSearchOptions {
  /** Whether there is a pod with these labels. Must not throw. */
  readonly find: (namespace: string, labels: Labels) => Promise<PodsFound>;
  /** Told of a fence for which {@link PodSearch.of} has another answer than before. */
  readonly onAnswer: (fence: FenceKey) => void;
  /** Milliseconds of a clock that never goes back. Default `performance.now`. */
  readonly clock?: () => number;
}

/**
 * The answer about a fence's pods: there are `some`, or `none`; `asked` before the first answer;
 * `unknown` where there is none.
 */
export type PodsHeard = "some" | "none" | "asked" | "unknown";
/** What is known of the pods: `told` where there was no need to ask. */
export type PodsKnown = PodsHeard | "told";

interface Asked {
  readonly fence: FenceKey;
  readonly labels: Labels;
  answer: PodsHeard;
  /** Whether the right was missing when it was asked last. */
  isForbidden: boolean;
  /** When to ask next. */
  due: number;
}

/** Milliseconds until the next question where there was no pod, or no answer this time. */
const AGAIN = 5_000;
/** Milliseconds until the next question where there was a pod. */
const SELDOM = 30_000;
/**
 * The same without the right to list pods, which the chart does not give; longer where there are
 * many fences, which are told by the first answer that one of them gets.
 */
const WITHOUT_RIGHT = 60_000;
/** Milliseconds between two questions, so that 1,000 fences without a pod are no load. */
const PAUSE = 100;
/** The same without the right. */
const PAUSE_WITHOUT_RIGHT = 1_000;

/**
 * Asks whether fences have pods, where neither a Service nor an access log shows any: those of a
 * quiet Job, for example. It asks one question at a time, the most overdue first.
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

  /** The last answer about a fence's pods. It is asked for again until {@link forget}. */
  of(fence: FenceKey, labels: Labels): PodsHeard {
    const id = formatFenceKey(fence);
    const known = this.#asked.get(id);
    if (known !== undefined && isDeepStrictEqual(known.labels, labels)) return known.answer;
    this.#asked.set(id, { fence, labels, answer: "asked", isForbidden: false, due: Number.NEGATIVE_INFINITY });
    this.#plan();
    return "asked";
  }

  /** A fence is gone, or its pods are known from elsewhere. */
  forget(fence: FenceKey): void {
    this.#asked.delete(formatFenceKey(fence));
    this.#tellIdle();
  }

  /** Resolves when every fence for which it is asked has an answer. */
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
    asked.answer = found === "some" || found === "none" ? found : "unknown";
    asked.isForbidden = found === "forbidden";
    asked.due = this.#clock() + this.#pauseAfter(found);
    if (asked.answer !== "unknown") this.#rightIsThere();
    this.#isAsking = false;
    if (asked.answer !== before && this.#asked.get(formatFenceKey(fence)) === asked) onAnswer(fence);
    this.#tellIdle();
    this.#plan();
  }

  #pauseAfter(found: PodsFound): number {
    if (found === "some") return SELDOM;
    return found === "forbidden" ? Math.max(WITHOUT_RIGHT, this.#asked.size * PAUSE_WITHOUT_RIGHT) : AGAIN;
  }

  /** Those that lacked it are asked for at once. */
  #rightIsThere(): void {
    for (const each of this.#asked.values()) if (each.isForbidden) each.due = Math.min(each.due, this.#clock());
  }

  #isWaiting(): boolean {
    return [...this.#asked.values()].some(({ answer }) => answer === "asked");
  }

  #tellIdle(): void {
    if (this.#idle.length > 0 && !this.#isWaiting()) for (const resolve of this.#idle.splice(0)) resolve();
  }
}
