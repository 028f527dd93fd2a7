import { durationMs, type FenceKey, formatFenceKey, type SwitchOver } from "@fenceline/api";
import { LRUCache } from "lru-cache";

/** Settings of {@link PushTimes}. */
export interface PushTimesOptions {
  readonly limits: SwitchOver;
  /** Milliseconds of a clock that never goes back. */
  readonly clock: () => number;
  /** Told of each observed push, in milliseconds. */
  readonly onPush?: (took: number) => void;
  /** Told when the pause has changed by at least half of it. */
  readonly onPause?: (pause: number, slowest: number) => void;
}

/** A host that a Sidecar has just begun to show, and that was not called directly yet. */
interface Awaited {
  readonly shownAt: number;
  /** When it was last called. */
  calledAt: number;
}

/** How many pushes count: the latest ones of the last hour. */
const COUNTED = 16;
const COUNTS_FOR = 3_600_000;
/**
 * Longest time between the last call that was not direct and the first that was, in milliseconds:
 * the push happened between them. Entries come with Envoy's flush, a second by default.
 */
const CLOSE = 2_500;
/** Most hosts whose first direct call is awaited. Beyond that the oldest is given up. */
const MOST_AWAITED = 1_000;
/** A push may take so many times as long as the ones before it. */
const RESERVE = 2;

/**
 * How long istiod and the Envoys need to apply a Sidecar: from its write to the first direct call
 * to a host that it shows. Access logs of ordinary calls tell that, so it needs no right, and
 * includes everything in between: istiod's debounce, its queue and the Envoy. The logs are late by
 * at most a flush, so the time is never too short.
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

  /** Whether any call is awaited. If not, {@link called} need not be called. */
  get isWaiting(): boolean {
    return this.#awaited.size > 0;
  }

  /** From this moment a fence's Sidecar shows a host that is being called. */
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
