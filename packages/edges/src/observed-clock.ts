/**
 * Time during which a workload was really observed, in milliseconds.
 *
 * Ageing by wall time would remove hosts that are in use whenever telemetry stops: because of a
 * dead collector, a partition, or a night without calls. So this clock runs only while telemetry
 * arrives. A pause counts for at most `longestGap`, since what was called in it was not seen.
 */
export class ObservedClock {
  #elapsed = 0;
  #latest: number | undefined;
  #newest = Number.NEGATIVE_INFINITY;

  /**
   * Our own clock was set back. What was counted by the wrong time stays, and time goes on from
   * here. Otherwise nothing would count, and nothing age, until the clock has reached its former
   * time.
   *
   * @returns whether it was set back: telemetry came, or a host was seen, later than now
   */
  setBack(now: number): boolean {
    const isSetBack = now < Math.max(this.#newest, this.#latest ?? now);
    if (!isSetBack) return false;
    this.#newest = now;
    if (this.#latest !== undefined) this.#latest = Math.min(this.#latest, now);
    return true;
  }

  /** A host was seen, perhaps by an earlier run, before this run got any telemetry. */
  seen(at: number): void {
    this.#newest = Math.max(this.#newest, at);
  }

  /**
   * Telemetry of the workload arrived. Earlier times count for nothing: those of another replica
   * come late.
   */
  tick(now: number, longestGap: number): void {
    const gap = now - (this.#latest ?? now);
    if (gap > 0) this.#elapsed += Math.min(gap, longestGap);
    if (this.#latest === undefined || gap > 0) this.#latest = now;
  }

  /** Observed time since this process began to observe. */
  get elapsed(): number {
    return this.#elapsed;
  }

  /** When the last telemetry came; undefined before the first. */
  get latest(): number | undefined {
    return this.#latest;
  }
}
