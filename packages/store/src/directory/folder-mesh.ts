import { isDeepStrictEqual } from "node:util";
import {
  type AnyObject,
  describeObject,
  type EndpointSlice,
  type Namespace,
  type ObjectChange,
  type ObjectRef,
  type OwnObject,
  objectOf,
  type Service,
  type ServiceFence,
} from "@fenceline/api";
import { PendingChanges } from "../pending-changes.ts";
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
  readonly #fenceChanges = new PendingChanges<ServiceFence>();
  readonly #ownChanges = new PendingChanges<OwnObject>();
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

  /** Objects of a kind of ours, in the order of the manifests. */
  objectsOf(kind: string): readonly OwnObject[] {
    return [...this.#objects.keys()].flatMap((key) => this.#own.get(key) ?? []).filter((object) => object.kind === kind);
  }

  /** What changed since it was last asked for. */
  takeChanges(): MeshChanges {
    return {
      namespaces: this.#namespaces.take(),
      services: this.#services.take(),
      endpointSlices: this.#endpointSlices.take(),
      fences: this.#fenceChanges.take(),
      own: this.#ownChanges.take(),
      ...{ nodes: [], serviceCIDRs: [], defaultSidecars: [], meshConfigs: [], disturbed: [], foreign: [] },
    };
  }

  #makeSnapshot(): MeshSnapshot {
    const objects = [...this.#objects.values()];
    return {
      namespaces: objects.filter(({ kind }) => kind === "Namespace") as readonly AnyObject[] as readonly Namespace[],
      services: objects.filter(({ kind }) => kind === "Service") as readonly AnyObject[] as readonly Service[],
      endpointSlices: objects.filter(({ kind }) => kind === "EndpointSlice") as readonly AnyObject[] as readonly EndpointSlice[],
      fences: this.objectsOf("ServiceFence") as readonly ServiceFence[],
    };
  }

  #changed(key: string, before: AnyObject | undefined, after: AnyObject | undefined): void {
    const change = { before, after } as ObjectChange<never>;
    const kind = objectOf<AnyObject>({ before, after })?.kind;
    if (kind === "Namespace") this.#namespaces.add(key, change);
    else if (kind === "Service") this.#services.add(key, change);
    else if (kind === "EndpointSlice") this.#endpointSlices.add(key, change);
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
    if (objectOf(change)?.kind === "ServiceFence") this.#fenceChanges.add(key, change as ObjectChange<ServiceFence>);
    else this.#ownChanges.add(key, change);
  }

  #withState(object: OwnObject): OwnObject {
    const { namespace, name } = object.metadata;
    return { ...object, status: this.#stateOf({ kind: object.kind, namespace, name }) ?? object.status };
  }
}
