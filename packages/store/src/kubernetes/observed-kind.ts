import type { ObjectChange } from "@fenceline/api";
import type { ObjectEvent } from "@fenceline/kubernetes";
import { PendingChanges } from "../pending-changes.ts";

/**
 * One kind as the store shows it: its objects as a list, and what changed of them. The informer has
 * the objects; the list is made when somebody asks, and kept until the next change.
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

  /** What is to be told, once. */
  take(): readonly ObjectChange<O>[] {
    return this.#pending.take();
  }
}

/** What an event changed. A `resync` changed nothing. */
export function changeOf<O>(event: ObjectEvent<O>): ObjectChange<O> {
  const { type, object } = event;
  if (type === "modified") return { before: event.previous, after: object };
  return { before: type === "added" ? undefined : object, after: type === "deleted" ? undefined : object };
}
