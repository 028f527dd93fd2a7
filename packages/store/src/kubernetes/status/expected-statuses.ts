import { isDeepStrictEqual } from "node:util";
import { isOfStatus, type OwnObject, refOf, refText } from "@fenceline/api";
import type { ObjectEvent } from "@fenceline/kubernetes";

/**
 * What writes under way make of the statuses of objects of one or more kinds. If every status
 * written were news, each would make its object be looked at.
 */
export class ExpectedStatuses {
  readonly #expected = new Map<string, unknown>();

  /**
   * Expects the status until the write is over and its answer taken in: either of its event and its
   * answer may come first.
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

  /** Whether an event brings nothing but a status that is expected. */
  isEcho(event: ObjectEvent<OwnObject>): boolean {
    if (event.type !== "modified" || this.#expected.size === 0) return false;
    const { previous, object } = event;
    return (
      isDeepStrictEqual(object.status, this.#expected.get(refText(refOf(object.kind, object)))) &&
      isOfStatus({ before: previous, after: object })
    );
  }
}
