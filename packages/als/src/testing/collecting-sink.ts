import type { HostLimit } from "@fenceline/wire";
import type { AccessLogEntry } from "../access-log-entry.ts";
import type { AccessLogSink, AccessLogStream, DropReason } from "../service/sink.ts";

/** A sink that keeps everything, and lets a test wait for a condition. */
export class CollectingSink implements AccessLogSink {
  readonly streams: AccessLogStream[] = [];
  readonly batches: (readonly AccessLogEntry[])[] = [];
  readonly drops: Partial<Record<DropReason, number>> = {};
  /** Limits of the host that were exceeded, and how often. */
  readonly limits: Partial<Record<HostLimit, number>> = {};
  closedStreams = 0;
  #waiting: { readonly condition: () => boolean; readonly resolve: () => void }[] = [];

  get all(): AccessLogEntry[] {
    return this.batches.flat();
  }

  get authorities(): string[] {
    return this.all.map(({ authority }) => authority);
  }

  entries(_stream: AccessLogStream, entries: readonly AccessLogEntry[]): void {
    this.batches.push(entries);
    this.changed();
  }

  dropped(reason: DropReason, count: number): void {
    this.drops[reason] = (this.drops[reason] ?? 0) + count;
    this.changed();
  }

  limited(limit: HostLimit): void {
    this.limits[limit] = (this.limits[limit] ?? 0) + 1;
    this.changed();
  }

  opened(stream: AccessLogStream): void {
    this.streams.push(stream);
    this.changed();
  }

  closed(): void {
    this.closedStreams++;
    this.changed();
  }

  /** Resolves as soon as the condition holds. It is checked whenever something arrives. */
  until(condition: () => boolean): Promise<void> {
    if (condition()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ condition, resolve }));
  }

  /** Something has arrived: checks the conditions. */
  protected changed(): void {
    const met = this.#waiting.filter(({ condition }) => condition());
    this.#waiting = this.#waiting.filter((waiting) => !met.includes(waiting));
    for (const { resolve } of met) resolve();
  }
}
