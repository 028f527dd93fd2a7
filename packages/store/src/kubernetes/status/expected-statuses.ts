import { isDeepStrictEqual } from "node:util";
import { isOfStatus, type OwnObject, refOf, refText } from "@fenceline/api";
import type { ObjectEvent } from "@fenceline/kubernetes";

/**
 * The statuses that writes under way will produce, for objects of one or more kinds. Otherwise each
 * status that we write would make us look at its object again.
 */
export class ExpectedStatuses {
  readonly #expected = new Map<string, unknown>();

  /**
   * Expects the status until the write is done and its answer was taken in: the event and the
   * answer may come in any order.
   */
  async during(object: OwnObject, status: unknown, write: () => Promise<void>): Promise<void> {
    const id = refText(refOf(object.kind, object));
    this.#expected.set(id, status);
    try {
      await write();
    } finally {
      this.#expected.delete(id);
    }
  }

  /** Whether an event brings only a status that is expected. */
  isEcho(event: ObjectEvent<OwnObject>): boolean {
    if (event.type !== "modified" || this.#expected.size === 0) return false;
    const { previous, object } = event;
    return (
      isDeepStrictEqual(object.status, this.#expected.get(refText(refOf(object.kind, object)))) &&
      isOfStatus({ before: previous, after: object })
    );
  }
}
