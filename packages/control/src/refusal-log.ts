import { type ObjectRef, refText, ToldLineBudget } from "@fenceline/api";
import type { Logger } from "pino";
import type { Desired } from "./reconciler.ts";

const NOT_RENDERED = "not rendered";

/**
 * Warns of objects for which nothing is rendered though they ask for it: once each, until the
 * reason changes. What was rendered before is deleted.
 */
export class RefusalLog {
  readonly #logger: Logger;
  /** By object: the reason that it was told for. */
  readonly #told = new Map<string, string>();
  /** By namespace: an object may be changed all the time. */
  readonly #lines: ToldLineBudget;

  constructor(logger: Logger) {
    this.#logger = logger;
    this.#lines = new ToldLineBudget((of, suppressed) => logger.warn({ line: NOT_RENDERED, of, suppressed }, "lines left out"));
  }

  /** @param named the field that names the object: `fence: test1/a` */
  tell(of: ObjectRef, refused: Desired<unknown>["refused"], named: Readonly<Record<string, string>>): void {
    const id = refText(of);
    if (refused === undefined) {
      this.#told.delete(id);
      return;
    }
    const { reason, message: detail } = refused;
    const isNew = this.#told.get(id) !== reason;
    if (isNew && this.#lines.take(of.namespace)) this.#logger.warn({ ...named, reason, detail }, NOT_RENDERED);
    this.#told.set(id, reason);
  }

  /** An object does not exist any more. */
  forget(of: ObjectRef): void {
    this.#told.delete(refText(of));
  }
}
