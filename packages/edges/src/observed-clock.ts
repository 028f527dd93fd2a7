/**
 * Time during which a workload was really observed, in milliseconds.
 *
 * Ageing by wall time would evict hosts that are in use whenever telemetry stops: a dead collector,
 * a partition, a silent night. So this clock runs only while telemetry arrives; a pause counts for
 * `longestGap` at most, since whatever came after it was not seen.
 */
export class ObservedClock {
  #elapsed = 0;
  #latest: number | undefined;
  #newest = Number.NEGATIVE_INFINITY;

  /**
   * Our own clock was set back: what was counted by the wrong one stays, and time goes on from
   * here. Else nothing would count, and nothing age, until the clock has caught up with what it
   * once said.
   *
   * @returns whether it was: telemetry came, or a host was seen, later than now
   */
  setBack(now: number): boolean {
    const isSetBack = now < Math.max(this.#newest, this.#latest ?? now);
    if (!isSetBack) return false;
    this.#newest = now;
    if (this.#latest !== undefined) this.#latest = Math.min(this.#latest, now);
    return true;
  }

  /** A host was seen, perhaps by an earlier run, before any telemetry came to this one. */
  seen(at: number): void {
    this.#newest = Math.max(this.#newest, at);
  }

  /**
   * Telemetry of the workload arrived. Times that go back count for nothing: those of another
   * replica come late.
   */
  tick(now: number, longestGap: number): void {
    const gap = now - (this.#latest ?? now);
    if (gap > 0) this.#elapsed += Math.min(gap, longestGap);
    if (this.#latest === undefined || gap > 0) this.#latest = now;
  }

  /** Observed time since this process began to watch. */
  get elapsed(): number {
    return this.#elapsed;
  }

  /** When the last telemetry came; undefined before the first. */
  get latest(): number | undefined {
    return this.#latest;
  }
}
