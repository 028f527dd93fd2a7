import type { ObjectChange, ReadKind } from "@fenceline/api";
import type { MeshChanges } from "./store.ts";

/**
 * Collects changes of the objects of one kind until they are told. Those of one object become one.
 */
export class PendingChanges<O> {
  readonly #changes = new Map<string, ObjectChange<O>>();

  /** @param key of the object, unique within its kind */
  add(key: string, { before, after, isOurs = false }: ObjectChange<O>): void {
    const pending = this.#changes.get(key);
    if (pending === undefined) this.#changes.set(key, { before, after, isOurs });
    else if (pending.before === undefined && after === undefined) this.#changes.delete(key);
    else this.#changes.set(key, { before: pending.before, after, isOurs: isOurs && pending.isOurs === true });
  }

  /** Returns what is to be told, once. */
  take(): readonly ObjectChange<O>[] {
    const changes = [...this.#changes.values()];
    this.#changes.clear();
    return changes;
  }
}

/** Changes of objects, by the names of their kinds. */
export type ChangesByKind = ReadonlyMap<string, readonly ObjectChange<unknown>[]>;

/** What is to be told; undefined when there is nothing. */
export function meshChanges(lists: Omit<MeshChanges, "of">, byKind: ChangesByKind): MeshChanges | undefined {
  const all: (readonly unknown[])[] = [...Object.values(lists), ...byKind.values()];
  if (all.every((list) => list.length === 0)) return undefined;
  return { ...lists, of: <O>({ name }: ReadKind<O>) => (byKind.get(name) ?? []) as readonly ObjectChange<O>[] };
}
