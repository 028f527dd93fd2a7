import { isDeepStrictEqual } from "node:util";
import {
  describeObject,
  type EndpointSlice,
  type FenceKey,
  type KnownObject,
  type Namespace,
  type Service,
  type ServiceFence,
  type ServiceFenceStatus,
} from "@fenceline/api";
import { PendingChanges } from "../pending-changes.ts";
import type { MeshChanges, MeshSnapshot, ObjectChange } from "../store.ts";

/** What is known of a fence's status beside its manifest. */
type StateOf = (fence: FenceKey) => ServiceFenceStatus | undefined;

/**
 * The objects of a folder's manifests, fences with what they have learned, and what changed of
 * them. A folder is read as a whole, so each reading is compared with the one before.
 */
export class FolderMesh {
  readonly #stateOf: StateOf;
  /** As in the manifests. */
  #objects: ReadonlyMap<string, KnownObject> = new Map();
  readonly #fences = new Map<string, ServiceFence>();
  readonly #namespaces = new PendingChanges<Namespace>();
  readonly #services = new PendingChanges<Service>();
  readonly #endpointSlices = new PendingChanges<EndpointSlice>();
  readonly #fenceChanges = new PendingChanges<ServiceFence>();
  #snapshot: MeshSnapshot | undefined;

  constructor(stateOf: StateOf) {
    this.#stateOf = stateOf;
  }

  snapshot(): MeshSnapshot {
    this.#snapshot ??= this.#makeSnapshot();
    return this.#snapshot;
  }

  /** Takes over what the manifests say now. An object that did not change stays the same object. */
  read(manifests: readonly KnownObject[]): void {
    const before = this.#objects;
    const objects = new Map<string, KnownObject>();
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

  /** The state of a fence was written. */
  stateWritten(key: FenceKey): void {
    const id = describeObject({ apiVersion: "", kind: "ServiceFence", metadata: key });
    const fence = this.#fences.get(id);
    if (fence === undefined) return;
    const after = this.#withState(fence);
    this.#fences.set(id, after);
    this.#fenceChanges.add(id, { before: fence, after, isOurs: true });
    this.#snapshot = undefined;
  }

  /** What changed since it was last asked for. */
  takeChanges(): MeshChanges {
    return {
      namespaces: this.#namespaces.take(),
      services: this.#services.take(),
      endpointSlices: this.#endpointSlices.take(),
      fences: this.#fenceChanges.take(),
      ...{ nodes: [], serviceCIDRs: [], defaultSidecars: [], meshConfigs: [], disturbed: [], foreign: [] },
    };
  }

  #makeSnapshot(): MeshSnapshot {
    const objects = [...this.#objects.values()];
    return {
      namespaces: objects.filter((object) => object.kind === "Namespace"),
      services: objects.filter((object) => object.kind === "Service"),
      endpointSlices: objects.filter((object) => object.kind === "EndpointSlice"),
      // In the order of the manifests.
      fences: [...this.#objects.keys()].flatMap((key) => this.#fences.get(key) ?? []),
    };
  }

  #changed(key: string, before: KnownObject | undefined, after: KnownObject | undefined): void {
    const change = { before, after } as ObjectChange<never>;
    const kind = (after ?? before)?.kind;
    if (kind === "Namespace") this.#namespaces.add(key, change);
    else if (kind === "Service") this.#services.add(key, change);
    else if (kind === "EndpointSlice") this.#endpointSlices.add(key, change);
    else this.#fenceChanged(key, after as ServiceFence | undefined);
  }

  #fenceChanged(key: string, fence: ServiceFence | undefined): void {
    const before = this.#fences.get(key);
    const after = fence && this.#withState(fence);
    if (after === undefined) this.#fences.delete(key);
    else this.#fences.set(key, after);
    this.#fenceChanges.add(key, { before, after });
  }

  #withState(fence: ServiceFence): ServiceFence {
    return { ...fence, status: this.#stateOf(fence.metadata) ?? fence.status };
  }
}
