import type { Clock } from "@fenceline/kubernetes";

/** Settings of a {@link SnapshotPace}. */
export interface SnapshotPaceOptions {
  readonly clock: Clock;
  /** How long changes are collected before they are told together, in milliseconds. */
  readonly settleTime: number;
  /** Aborts every pause; nothing is told afterwards. */
  readonly closed: AbortSignal;
  /** Makes a snapshot and tells it. Must not throw. */
  readonly tell: () => void;
}

/**
 * While changes of the mesh keep coming, telling them takes at most one part in so many of the
 * time: in a large mesh one telling may take long.
 */
const PARTS_OF_TIME = 10;

/**
 * When changes are told next. Changes that come together are told together. After a telling that
 * took long there is a pause. Only an urgent change ends it early: a status with a new edge, from
 * another replica, must not wait for the rest of the mesh.
 */
export class SnapshotPace {
  readonly #options: SnapshotPaceOptions;
  #restsUntil = 0;
  #hurry: AbortController | undefined;

  constructor(options: SnapshotPaceOptions) {
    this.#options = options;
  }

  /** Something changed. @param urgent whether it must not wait for the pause to end */
  changed(urgent: boolean): void {
    const { closed } = this.#options;
    if (closed.aborted) return;
    const isWaiting = this.#hurry !== undefined;
    this.#hurry ??= new AbortController();
    if (urgent) this.#hurry.abort();
    if (!isWaiting) void this.#wait(this.#hurry.signal);
  }

  async #wait(hurry: AbortSignal): Promise<void> {
    const { clock, settleTime, closed, tell } = this.#options;
    await clock.sleep(settleTime, closed);
    const rest = this.#restsUntil - clock.now();
    if (rest > 0) await clock.sleep(rest, AbortSignal.any([closed, hurry]));
    this.#hurry = undefined;
    if (closed.aborted) return;
    const start = clock.now();
    tell();
    const end = clock.now();
    this.#restsUntil = end + (end - start) * (PARTS_OF_TIME - 1);
  }
}
