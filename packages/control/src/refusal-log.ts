import { LineBudget, type ObjectRef, refText } from "@fenceline/api";
import type { Logger } from "pino";
import type { Desired } from "./reconciler.ts";

/**
 * Warns of objects for which nothing is rendered though they ask for it: once each, until the
 * reason changes. What was rendered before is deleted.
 */
export class RefusalLog {
  readonly #logger: Logger;
  /** By object: the reason that it was told for. */
  readonly #told = new Map<string, string>();
  /** By namespace: an object may be changed all the time. */
  readonly #lines = new LineBudget();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** @param named the field that names the object: `fence: test1/a` */
  tell(of: ObjectRef, refused: Desired<unknown>["refused"], named: Readonly<Record<string, string>>): void {
    const id = refText(of);
    if (refused === undefined) {
      this.#told.delete(id);
      return;
    }
    const { reason, message: detail } = refused;
    const suppressed = this.#told.get(id) === reason ? undefined : this.#lines.take(of.namespace);
    if (suppressed !== undefined) this.#logger.warn({ ...named, reason, detail, suppressed: suppressed || undefined }, "not rendered");
    this.#told.set(id, reason);
  }

  /** An object does not exist any more. */
  forget(of: ObjectRef): void {
    this.#told.delete(refText(of));
  }
}
