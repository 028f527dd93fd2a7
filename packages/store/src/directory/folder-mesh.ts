import { isDeepStrictEqual } from "node:util";
import {
  type AnyObject,
  describeObject,
  ENDPOINT_SLICE,
  type EndpointSlice,
  NAMESPACE,
  type Namespace,
  type ObjectChange,
  type ObjectRef,
  type OwnObject,
  objectOf,
  SERVICE,
  type Service,
} from "@fenceline/api";
import { type OwnChanges, ownObjects, PendingChanges } from "../pending-changes.ts";
import type { MeshChanges, MeshSnapshot } from "../store.ts";

/** What is known of the status of an object of ours beside its manifest. */
type StateOf = (of: ObjectRef) => object | undefined;

/**
 * The objects of a folder's manifests, those of kinds of ours with their state, and what changed of
 * them. A folder is read as a whole, so each reading is compared with the one before.
 */
export class FolderMesh {
  readonly #stateOf: StateOf;
  /** As in the manifests. */
  #objects: ReadonlyMap<string, AnyObject> = new Map();
  /** Of kinds of ours, with their state. */
  readonly #own = new Map<string, OwnObject>();
  readonly #namespaces = new PendingChanges<Namespace>();
  readonly #services = new PendingChanges<Service>();
  readonly #endpointSlices = new PendingChanges<EndpointSlice>();
  /** Of kinds of ours, by their names. */
  readonly #ownChanges = new Map<string, PendingChanges<OwnObject>>();
  #snapshot: MeshSnapshot | undefined;

  constructor(stateOf: StateOf) {
    this.#stateOf = stateOf;
  }

  snapshot(): MeshSnapshot {
    this.#snapshot ??= this.#makeSnapshot();
    return this.#snapshot;
  }

  /** Takes over what the manifests say now. An object that did not change stays the same object. */
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

  /** An object of ours as it is now. */
  objectOf({ kind, namespace, name }: ObjectRef): OwnObject | undefined {
    return this.#own.get(describeObject({ apiVersion: "", kind, metadata: { namespace, name } }));
  }

  /** What changed since it was last asked for. */
  takeChanges(): { readonly lists: Omit<MeshChanges, "of">; readonly own: OwnChanges } {
    const lists = {
      namespaces: this.#namespaces.take(),
      services: this.#services.take(),
      endpointSlices: this.#endpointSlices.take(),
      ...{ nodes: [], serviceCIDRs: [], defaultSidecars: [], meshConfigs: [], disturbed: [], foreign: [] },
    };
    return { lists, own: new Map([...this.#ownChanges].map(([kind, changes]) => [kind, changes.take()])) };
  }

  #makeSnapshot(): MeshSnapshot {
    const objects = [...this.#objects.values()];
    return {
      namespaces: objects.filter(({ kind }) => kind === NAMESPACE.name) as readonly AnyObject[] as readonly Namespace[],
      services: objects.filter(({ kind }) => kind === SERVICE.name) as readonly AnyObject[] as readonly Service[],
      endpointSlices: objects.filter(({ kind }) => kind === ENDPOINT_SLICE.name) as readonly AnyObject[] as readonly EndpointSlice[],
      of: ownObjects([...this.#objects.keys()].flatMap((key) => this.#own.get(key) ?? [])),
    };
  }

  #changed(key: string, before: AnyObject | undefined, after: AnyObject | undefined): void {
    const change = { before, after } as ObjectChange<never>;
    const kind = objectOf<AnyObject>({ before, after })?.kind;
    if (kind === NAMESPACE.name) this.#namespaces.add(key, change);
    else if (kind === SERVICE.name) this.#services.add(key, change);
    else if (kind === ENDPOINT_SLICE.name) this.#endpointSlices.add(key, change);
    else this.#ownChanged(key, after as OwnObject | undefined);
  }

  #ownChanged(key: string, object: OwnObject | undefined): void {
    const before = this.#own.get(key);
    const after = object && this.#withState(object);
    if (after === undefined) this.#own.delete(key);
    else this.#own.set(key, after);
    this.#tell(key, { before, after });
  }

  #tell(key: string, change: ObjectChange<OwnObject>): void {
    const kind = objectOf(change)?.kind ?? "";
    const changes = this.#ownChanges.get(kind) ?? new PendingChanges<OwnObject>();
    this.#ownChanges.set(kind, changes);
    changes.add(key, change);
  }

  #withState(object: OwnObject): OwnObject {
    const { namespace, name } = object.metadata;
    return { ...object, status: this.#stateOf({ kind: object.kind, namespace, name }) ?? object.status };
  }
}
