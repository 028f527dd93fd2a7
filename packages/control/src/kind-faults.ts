import { doublingPause, isToldInRow, type PauseLimits } from "@fenceline/api";
import type { Logger } from "pino";
import type { ControlMetrics } from "./control-metrics.ts";

/** What {@link KindFaults} work with. */
export interface KindFaultsOptions {
  /** Name of the kind. */
  readonly kind: string;
  readonly logger: Logger;
  readonly metrics: Pick<ControlMetrics, "kindFaults">;
  /** Makes up for what a fault left undone: looks at every object. */
  readonly retry: () => void;
  readonly clock: () => number;
}

/** Pauses before every object of the kind is looked at. */
const PAUSE: PauseLimits = { first: 1_000, longest: 60_000 };
/** After so many milliseconds without a fault, the next one counts as the first. */
const ROW_ENDS = 5 * PAUSE.longest;

/**
 * Catches errors in the code of one kind, so that they stop no other kind and do not end the
 * process. What an error left undone is made up for later: all objects of the kind are looked at,
 * ever more slowly while errors go on.
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

  /** Nothing is made up for any more. */
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
