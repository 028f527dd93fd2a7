import { isToldInRow, type ToldLineBudget } from "@fenceline/api";
import { PrometheusError, type QueryAnswer } from "@fenceline/prometheus";
import type { Logger } from "pino";
import { toldLines } from "../../told-lines.ts";

const IN_PART = "Prometheus answered in part: nothing ages by that";
/** Most warnings in a line of the log. */
const NAMED = 3;

/** Logs about the queries for all workloads. */
export class QueryLog {
  readonly #logger: Logger;
  readonly #lines: ToldLineBudget;
  #failures = 0;

  constructor(logger: Logger) {
    this.#logger = logger;
    this.#lines = toldLines(logger, IN_PART, { lines: 1, window: 600_000 });
  }

  failed(error: unknown): void {
    this.#failures += 1;
    if (!isToldInRow(this.#failures)) return;
    const { code, detail } = error instanceof PrometheusError ? error : { code: undefined, detail: String(error) };
    this.#logger.warn({ code, detail, failures: this.#failures }, "Prometheus gave no answer, will ask again");
  }

  answered({ warnings, server }: QueryAnswer): void {
    if (this.#failures > 0) this.#logger.info({ server, failures: this.#failures }, "Prometheus answers again");
    this.#failures = 0;
    if (warnings.length > 0 && this.#lines.take(server)) this.#logger.warn({ server, warnings: warnings.slice(0, NAMED) }, IN_PART);
  }
}
