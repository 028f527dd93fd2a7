import type { ObjectChange } from "@fenceline/api";
import type { MeshChanges } from "./store.ts";

/** Changes of one kind's objects until they are told. Several of one object become one. */
export class PendingChanges<O> {
  readonly #changes = new Map<string, ObjectChange<O>>();

  /** @param key of the object, among those of its kind */
  add(key: string, { before, after, isOurs = false }: ObjectChange<O>): void {
    const pending = this.#changes.get(key);
    if (pending === undefined) this.#changes.set(key, { before, after, isOurs });
    else if (pending.before === undefined && after === undefined) this.#changes.delete(key);
    else this.#changes.set(key, { before: pending.before, after, isOurs: isOurs && pending.isOurs === true });
  }

  /** Gives what is to be told, once. */
  take(): readonly ObjectChange<O>[] {
    const changes = [...this.#changes.values()];
    this.#changes.clear();
    return changes;
  }
}

/** Whether there is nothing to tell. */
export function isNothing(changes: MeshChanges): boolean {
  return Object.values(changes).every((list: readonly unknown[]) => list.length === 0);
}
