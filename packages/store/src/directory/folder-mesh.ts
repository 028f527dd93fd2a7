import { isDeepStrictEqual } from "node:util";
import {
  type AnyObject,
  describeObject,
  type ObjectChange,
  type ObjectRef,
  type OwnObject,
  objectOf,
  objectsByKind,
  refOf,
} from "@fenceline/api";
import { type ChangesByKind, PendingChanges } from "../pending-changes.ts";
import type { MeshSnapshot } from "../store.ts";

/** Gives the state that is kept for an object of ours. */
type StateOf = (of: ObjectRef) => object | undefined;

/**
 * The objects of a folder's manifests, and what changed of them. Objects of ours have their state.
 * A folder is read as a whole, so each reading is compared with the one before.
 */
export class FolderMesh {
  readonly #ours: ReadonlySet<string>;
  readonly #stateOf: StateOf;
  /** As in the manifests. */
  #objects: ReadonlyMap<string, AnyObject> = new Map();
  /** Objects of our kinds, with their state. */
  readonly #own = new Map<string, OwnObject>();
  /** By the names of their kinds. */
  readonly #changes = new Map<string, PendingChanges<AnyObject>>();
  #snapshot: MeshSnapshot | undefined;

  /** @param ours names of the kinds that are ours */
  constructor(ours: ReadonlySet<string>, stateOf: StateOf) {
    this.#ours = ours;
    this.#stateOf = stateOf;
  }

  snapshot(): MeshSnapshot {
    this.#snapshot ??= objectsByKind([...this.#objects].map(([key, object]) => this.#own.get(key) ?? object));
    return this.#snapshot;
  }

  /**
   * Takes over what the manifests contain now. Where nothing changed, the object stays the same.
   */
  read(manifests: readonly AnyObject[]): void {
    const before = this.#objects;
    const objects = new Map<string, AnyObject>();
    for (const object of manifests) {
      const key = describeObject(object);
      const known = before.get(key);
      objects.set(key, known !== undefined && isDeepStrictEqual(known, object) ? known : object);
    }
    this.#objects = objects;
    for (const [key, object] of before) if (!objects.has(key)) this.#changed(key, object, undefined);
    for (const [key, object] of objects) if (before.get(key) !== object) this.#changed(key, before.get(key), object);
    this.#snapshot = undefined;
  }

  /** The state of an object of ours was written. */
  stateWritten(of: ObjectRef): void {
    const id = describeObject({ apiVersion: "", kind: of.kind, metadata: of });
    const before = this.#own.get(id);
    if (before === undefined) return;
    const after = this.#withState(before);
    this.#own.set(id, after);
    this.#tell(id, { before, after, isOurs: true });
    this.#snapshot = undefined;
  }

  /** An object as it is now. One of ours has its state. */
  objectOf({ kind, ...metadata }: { readonly kind: string } & AnyObject["metadata"]): AnyObject | undefined {
    const id = describeObject({ apiVersion: "", kind, metadata });
    return this.#own.get(id) ?? this.#objects.get(id);
  }

  /** What changed since it was last asked for. */
  takeChanges(): ChangesByKind {
    return new Map([...this.#changes].map(([kind, changes]) => [kind, changes.take()]));
  }

  #changed(key: string, before: AnyObject | undefined, after: AnyObject | undefined): void {
    const { kind = "" } = objectOf({ before, after }) ?? {};
    if (this.#ours.has(kind)) this.#ownChanged(key, after as OwnObject | undefined);
    else this.#tell(key, { before, after });
  }

  #ownChanged(key: string, object: OwnObject | undefined): void {
    const before = this.#own.get(key);
    const after = object && this.#withState(object);
    if (after === undefined) this.#own.delete(key);
    else this.#own.set(key, after);
    this.#tell(key, { before, after });
  }

  #tell(key: string, change: ObjectChange<AnyObject>): void {
    const { kind = "" } = objectOf(change) ?? {};
    const changes = this.#changes.get(kind) ?? new PendingChanges<AnyObject>();
    this.#changes.set(kind, changes);
    changes.add(key, change);
  }

  #withState(object: OwnObject): OwnObject {
    return { ...object, status: this.#stateOf(refOf(object.kind, object)) ?? object.status };
  }
}
