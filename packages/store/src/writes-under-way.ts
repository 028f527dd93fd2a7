import { type ObjectRef, refText } from "@fenceline/api";
import { type Conflict, conflictWith } from "./conflict.ts";

/**
 * Whose writes are under way, by object. If two owners ask for one object at the same time, none of
 * them is known as its owner yet. The first one gets it.
 */
export class WritesUnderWay {
  readonly #owners = new Map<string, ObjectRef>();

  /** The conflict of an owner with the owner for whom the object is being written. */
  conflictOf(object: ObjectRef, owner: ObjectRef): Conflict | undefined {
    return conflictWith(object, this.#owners.get(refText(object)), owner);
  }

  async during<T>(object: ObjectRef, owner: ObjectRef, write: () => Promise<T>): Promise<T> {
    const id = refText(object);
    this.#owners.set(id, owner);
    try {
      return await write();
    } finally {
      this.#owners.delete(id);
    }
  }
}
