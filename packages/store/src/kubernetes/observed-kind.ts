import type { ObjectChange } from "@fenceline/api";
import type { ObjectEvent } from "@fenceline/kubernetes";
import { PendingChanges } from "../pending-changes.ts";

/**
 * The objects of one kind as a list, and what changed of them. The informer holds the objects. The
 * list is made when it is first asked for, and kept until the next change.
 */
export class ObservedKind<O> {
  readonly #objects: () => readonly O[];
  readonly #pending = new PendingChanges<O>();
  #list: readonly O[] | undefined;
  #isTold = false;

  /** @param objects makes the list */
  constructor(objects: () => readonly O[]) {
    this.#objects = objects;
  }

  objects(): readonly O[] {
    this.#list ??= this.#objects();
    return this.#list;
  }

  /** The first lists are complete. */
  tellFromNowOn(): void {
    this.#isTold = true;
  }

  changed(key: string, change: ObjectChange<O>): void {
    this.#list = undefined;
    if (this.#isTold) this.#pending.add(key, change);
  }

  /** Returns what is to be told, once. */
  take(): readonly ObjectChange<O>[] {
    return this.#pending.take();
  }
}

/** What an event changed. A `resync` changes nothing. */
export function changeOf<O>(event: ObjectEvent<O>): ObjectChange<O> {
  const { type, object } = event;
  if (type === "modified") return { before: event.previous, after: object };
  return { before: type === "added" ? undefined : object, after: type === "deleted" ? undefined : object };
}
