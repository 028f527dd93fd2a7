import type { ObjectChange, OwnKind, OwnObject } from "@fenceline/api";
import type { MeshChanges, MeshSnapshot } from "./store.ts";

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

/** What is to be told of kinds of ours, by their names. */
export type OwnChanges = ReadonlyMap<string, readonly ObjectChange<OwnObject>[]>;

/** What is to be told; undefined when there is nothing. */
export function meshChanges(lists: Omit<MeshChanges, "of">, own: OwnChanges): MeshChanges | undefined {
  const all: (readonly unknown[])[] = [...Object.values(lists), ...own.values()];
  if (all.every((list) => list.length === 0)) return undefined;
  return {
    ...lists,
    of: <O>({ name }: OwnKind<O>) => (own.get(name) ?? []) as readonly ObjectChange<unknown>[] as readonly ObjectChange<O>[],
  };
}

/** Looks up objects of kinds of ours by their kind. */
export function ownObjects(objects: readonly OwnObject[]): MeshSnapshot["of"] {
  const byKind = Map.groupBy(objects, ({ kind }) => kind);
  return <O>({ name }: OwnKind<O>) => (byKind.get(name) ?? []) as readonly unknown[] as readonly O[];
}
