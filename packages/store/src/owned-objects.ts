import { type Kind, type ObjectRef, refText } from "@fenceline/api";

interface Owner<T> {
  readonly ref: ObjectRef;
  /** In the order in which they came. */
  readonly objects: Map<string, T>;
}

/**
 * The objects of each owner, and which owners are gone. It is updated with every change. A search
 * through all objects for each owner would cost the square of the mesh.
 */
export class OwnedObjects<T> {
  readonly #exists: (owner: ObjectRef) => boolean;
  readonly #owners = new Map<string, Owner<T>>();
  /** Owners that have objects and do not exist: hardly ever any. */
  readonly #gone = new Map<string, ObjectRef>();

  /** @param exists whether an owner exists now */
  constructor(exists: (owner: ObjectRef) => boolean) {
    this.#exists = exists;
  }

  set(ref: ObjectRef, object: ObjectRef, value: T): void {
    const owner = this.#owners.get(refText(ref)) ?? { ref, objects: new Map<string, T>() };
    owner.objects.set(refText(object), value);
    this.#owners.set(refText(ref), owner);
    this.ownerChanged(ref);
  }

  delete(ref: ObjectRef, object: ObjectRef): void {
    const owner = this.#owners.get(refText(ref));
    owner?.objects.delete(refText(object));
    if (owner?.objects.size === 0) this.#owners.delete(refText(ref));
    this.ownerChanged(ref);
  }

  of(ref: ObjectRef): readonly T[] {
    return [...(this.#owners.get(refText(ref))?.objects.values() ?? [])];
  }

  /** Must be called when an owner may have come or gone. */
  ownerChanged(ref: ObjectRef): void {
    const id = refText(ref);
    if (this.#owners.has(id) && !this.#exists(ref)) this.#gone.set(id, ref);
    else this.#gone.delete(id);
  }

  /** Owners of a kind that do not exist. */
  gone({ name }: Kind): readonly ObjectRef[] {
    return [...this.#gone.values()].filter(({ kind }) => kind === name);
  }
}
