import { doublingPause, isToldInRow, type PauseLimits } from "@fenceline/api";
import type { Logger } from "pino";
import type { ControlMetrics } from "./control-metrics.ts";

/** What {@link KindFaults} work with. */
export interface KindFaultsOptions {
  /** Name of the kind. */
  readonly kind: string;
  readonly logger: Logger;
  readonly metrics: Pick<ControlMetrics, "kindFaults">;
  /** Makes good what a fault left undone: looks at every object. */
  readonly retry: () => void;
  readonly clock: () => number;
}

/** Pauses before every object of the kind is looked at. */
const PAUSE: PauseLimits = { first: 1_000, longest: 60_000 };
/** A row of faults ends after this time without one, in milliseconds. */
const ROW_ENDS = 5 * PAUSE.longest;

/**
 * Keeps a fault in what is particular to one kind from stopping the others, and from ending the
 * process where time called it. What the fault left undone is made good later: each object is
 * looked at, ever more slowly while faults go on.
 */
export class KindFaults {
  readonly #options: KindFaultsOptions;
  #inRow = 0;
  #retries = 0;
  #lastAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: KindFaultsOptions) {
    this.#options = options;
  }

  /** What `run` gives; undefined where it throws. */
  guard<T>(run: () => T): T | undefined {
    try {
      return run();
    } catch (error) {
      this.#happened(error);
      return undefined;
    }
  }

  /** Nothing is made good any more. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #happened(err: unknown): void {
    const { kind, logger, metrics, clock } = this.#options;
    metrics.kindFaults.inc({ kind });
    const now = clock();
    if (now - this.#lastAt >= ROW_ENDS) [this.#inRow, this.#retries] = [0, 0];
    this.#lastAt = now;
    this.#inRow += 1;
    this.#retryLater();
    // Each object may bring the same fault.
    if (isToldInRow(this.#inRow))
      logger.error({ kind, err, failures: this.#inRow }, "changes of a kind not followed, will look at all its objects");
  }

  #retryLater(): void {
    if (this.#timer !== undefined || this.#isClosed) return;
    this.#retries += 1;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#options.retry();
      },
      doublingPause(this.#retries, PAUSE),
    ).unref();
  }
}
