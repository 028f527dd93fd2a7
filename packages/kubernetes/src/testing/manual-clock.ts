import { until } from "@fenceline/api/testing";
import type { Clock } from "../clock.ts";

interface Sleeper {
  readonly until: number;
  readonly milliseconds: number;
  readonly wake: () => void;
}

/** A clock that stands still until a test moves it. */
export class ManualClock implements Clock {
  readonly #sleepers = new Set<Sleeper>();
  #now = 1_000;

  now(): number {
    return this.#now;
  }

  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const wake = () => {
        this.#sleepers.delete(sleeper);
        signal?.removeEventListener("abort", wake);
        resolve();
      };
      const sleeper: Sleeper = { until: this.#now + milliseconds, milliseconds, wake };
      this.#sleepers.add(sleeper);
      signal?.addEventListener("abort", wake, { once: true });
    });
  }

  /** Lengths of the pauses under way, in milliseconds, shortest first. */
  pauses(): number[] {
    return [...this.#sleepers].map(({ milliseconds }) => milliseconds).sort((a, b) => a - b);
  }

  /**
   * Resolves with the length of a pause below the limit, in milliseconds, as soon as there is one.
   */
  async pauseBelow(limit: number): Promise<number> {
    const find = () => this.pauses().find((pause) => pause < limit);
    await until(() => find() !== undefined);
    return find() ?? 0;
  }

  /** Moves time and wakes whoever is due, in order. */
  advance(milliseconds: number): void {
    this.jump(milliseconds);
    for (const sleeper of [...this.#sleepers].sort((a, b) => a.until - b.until)) if (sleeper.until <= this.#now) sleeper.wake();
  }

  /** Moves time without waking anybody: a process that was stopped, whose timers are late. */
  jump(milliseconds: number): void {
    this.#now += milliseconds;
  }
}
