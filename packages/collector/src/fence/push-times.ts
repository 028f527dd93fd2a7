import { durationMs, type FenceKey, formatFenceKey, type SwitchOver } from "@fenceline/api";
import { LRUCache } from "lru-cache";

/** Settings of {@link PushTimes}. */
export interface PushTimesOptions {
  readonly limits: SwitchOver;
  /** Milliseconds of a clock that never goes back. */
  readonly clock: () => number;
  /** Told of each push that was observed, in milliseconds. */
  readonly onPush?: (took: number) => void;
  /** Told when the pause is another one than before, by half of it at least. */
  readonly onPause?: (pause: number, slowest: number) => void;
}

/** A host that a Sidecar shows since a moment, and that was not called directly yet. */
interface Awaited {
  readonly shownAt: number;
  /** When a call to it was last heard of. */
  calledAt: number;
}

/** Pushes that count: the latest ones, of the last hour. */
const COUNTED = 16;
const COUNTS_FOR = 3_600_000;
/**
 * Longest time between the last call that was not direct and the first that was, in milliseconds:
 * the push came somewhere in between. Entries come with Envoy's flush, a second by default.
 */
const CLOSE = 2_500;
/** Hosts whose first direct call is waited for at a time. Beyond that the oldest is given up. */
const MOST_AWAITED = 1_000;
/** Pushes of this moment may take so many times as long as those before. */
const RESERVE = 2;

/**
 * How long istiod and the Envoys take to take in a Sidecar: from its write to the first direct call
 * to a host that it shows. Access logs tell that, of calls that are made anyway, so it needs no
 * right, and includes everything that lies between: istiod's debounce, its queue and the Envoy.
 * They come late by a flush at most, so what is told is never too short.
 */
export class PushTimes {
  readonly #options: PushTimesOptions;
  readonly #limits: { readonly shortest: number; readonly longest: number; readonly unobserved: number };
  readonly #awaited = new LRUCache<string, Awaited>({ max: MOST_AWAITED });
  #observed: readonly { readonly at: number; readonly took: number }[] = [];
  #told: number;

  constructor(options: PushTimesOptions) {
    const { shortestPause, longestPause, unobservedPause } = options.limits;
    this.#options = options;
    this.#limits = { shortest: durationMs(shortestPause), longest: durationMs(longestPause), unobserved: durationMs(unobservedPause) };
    this.#told = this.pause;
  }

  /** Milliseconds to wait between two steps of a Sidecar. */
  get pause(): number {
    const { shortest, longest, unobserved } = this.#limits;
    const slowest = this.#slowest();
    return Math.min(longest, Math.max(shortest, slowest === undefined ? unobserved : RESERVE * slowest));
  }

  /** Whether anything is waited for: if not, nobody need say what was called. */
  get isWaiting(): boolean {
    return this.#awaited.size > 0;
  }

  /** A fence's Sidecar shows a host, which is called just now, since this moment. */
  shown(fence: FenceKey, host: string): void {
    const now = this.#options.clock();
    this.#awaited.set(idOf(fence, host), { shownAt: now, calledAt: now });
  }

  /**
   * A host was called.
   *
   * @param isDirect whether the workload's own proxy sent the call to the host itself
   */
  called(fence: FenceKey, host: string, isDirect: boolean): void {
    const id = idOf(fence, host);
    const awaited = this.#awaited.peek(id);
    if (awaited === undefined) return;
    const now = this.#options.clock();
    const isClose = now - awaited.calledAt <= CLOSE;
    awaited.calledAt = now;
    if (!isDirect) return;
    this.#awaited.delete(id);
    if (isClose) this.#took(now - awaited.shownAt, now);
  }

  #took(took: number, at: number): void {
    const { onPush, onPause } = this.#options;
    this.#observed = [...this.#observed.slice(1 - COUNTED), { at, took }];
    onPush?.(took);
    const { pause } = this;
    if (Math.abs(pause - this.#told) < this.#told / 2) return;
    this.#told = pause;
    onPause?.(pause, this.#slowest() ?? took);
  }

  #slowest(): number | undefined {
    const now = this.#options.clock();
    const counted = this.#observed.flatMap(({ at, took }) => (now - at <= COUNTS_FOR ? took : []));
    return counted.length === 0 ? undefined : Math.max(...counted);
  }
}

function idOf(fence: FenceKey, host: string): string {
  return `${formatFenceKey(fence)} ${host}`;
}
