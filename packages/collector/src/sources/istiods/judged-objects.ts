import { allNew, type ObjectRef, OWN_KINDS, type OwnObject, objectOf, type ReadKind, refOf } from "@fenceline/api";
import type { MeshChanges, MeshSnapshot } from "@fenceline/store";

const KINDS: readonly ReadKind<OwnObject>[] = OWN_KINDS;

/**
 * The objects of ours by namespace. The status of each may tell what proxies of its pods refuse. A
 * change costs a look at the objects that changed, a refusal a look at those of its namespace.
 */
export class JudgedObjects {
  /** By namespace, then by kind and name. */
  readonly #namespaces = new Map<string, Map<string, ObjectRef>>();

  constructor(snapshot: Pick<MeshSnapshot, "of">) {
    this.apply({ of: (kind) => allNew(snapshot.of(kind)) });
  }

  /** Takes over what changed. */
  apply(changes: Pick<MeshChanges, "of">): void {
    for (const kind of KINDS)
      for (const change of changes.of(kind)) {
        const object = objectOf(change);
        if (object === undefined) continue;
        const of = refOf(kind.name, object);
        if (change.after === undefined) this.#delete(of);
        else this.#add(of);
      }
  }

  /** Those of a namespace; undefined: all. */
  *in(namespace: string | undefined): Generator<ObjectRef> {
    const chosen = namespace === undefined ? this.#namespaces.values() : [this.#namespaces.get(namespace) ?? new Map<string, ObjectRef>()];
    for (const objects of chosen) yield* objects.values();
  }

  #add(of: ObjectRef): void {
    const objects = this.#namespaces.get(of.namespace) ?? new Map<string, ObjectRef>();
    this.#namespaces.set(of.namespace, objects);
    objects.set(keyOf(of), of);
  }

  #delete(of: ObjectRef): void {
    const objects = this.#namespaces.get(of.namespace);
    objects?.delete(keyOf(of));
    if (objects?.size === 0) this.#namespaces.delete(of.namespace);
  }
}

function keyOf({ kind, name }: ObjectRef): string {
  return `${kind}/${name}`;
}
