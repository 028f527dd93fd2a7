import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { applyMergePatch } from "@fenceline/api";
import type { WireObject } from "../client/wire-object.ts";
import { FieldOwners } from "./field-owners.ts";

/** An object as a test reads it. */
export interface FakeObject extends WireObject {
  readonly metadata: WireObject["metadata"] & { readonly managedFields: readonly { readonly manager: string }[] };
}

/** What a watch tells. */
export interface FakeEvent {
  readonly version: number;
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  /** Path of the collection, without a namespace. */
  readonly collection: string;
  readonly object: FakeObject;
}

/** A refusal, as status and reason. */
export class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Identifies an object: path of its collection, and `namespace/name` or the name. */
export interface Place {
  readonly collection: string;
  readonly key: string;
}

/** What must be true of an object that is to be deleted. */
interface Preconditions {
  readonly uid?: string;
  readonly resourceVersion?: string;
}

/** The objects of a fake API server, with their versions and history. */
export class FakeObjects {
  readonly #objects = new Map<string, Map<string, FakeObject>>();
  readonly #owners = new Map<string, FieldOwners>();
  readonly #onEvent: (event: FakeEvent) => void;
  readonly history: FakeEvent[] = [];
  version = 100;

  constructor(onEvent: (event: FakeEvent) => void) {
    this.#onEvent = onEvent;
  }

  get({ collection, key }: Place): FakeObject | undefined {
    return this.#objects.get(collection)?.get(key);
  }

  list(collection: string): FakeObject[] {
    return [...(this.#objects.get(collection)?.values() ?? [])];
  }

  /** Writes an object as it is, new or not. */
  put(place: Place, object: object, manager: string): FakeObject {
    const before = this.get(place);
    const { metadata } = object as { metadata: { resourceVersion?: string } };
    this.#checkVersion(before, metadata.resourceVersion);
    this.#ownersOf(place).wrote(manager, before ?? {}, object);
    return this.#store(place, object);
  }

  mergePatch(place: Place, patch: object, manager: string, subresource: string | undefined): FakeObject {
    const before = this.get(place);
    if (before === undefined) throw new Refusal(404, "not found");
    const { metadata } = patch as { metadata?: { resourceVersion?: string } };
    this.#checkVersion(before, metadata?.resourceVersion);
    const { status } = patch as { status?: unknown };
    const after = applyMergePatch(before, subresource === "status" ? { status } : patch) as object;
    if (subresource === undefined) this.#ownersOf(place).wrote(manager, before, after);
    return this.#store(place, after);
  }

  apply(place: Place, configuration: object, manager: string, force: boolean): FakeObject {
    const before = this.get(place);
    const { metadata } = configuration as { metadata: { resourceVersion?: string } };
    this.#checkVersion(before, metadata.resourceVersion);
    const owners = this.#ownersOf(place);
    const conflicts = owners.conflicts(manager, before ?? {}, configuration);
    if (conflicts.length > 0 && !force) throw new Refusal(409, `Apply failed with ${conflicts.length} conflicts: ${conflicts.join(", ")}`);
    return this.#store(place, owners.apply(manager, before ?? configuration, configuration));
  }

  /** Deletes an object as a request does: with finalizers, it stays until these are removed. */
  delete(place: Place, preconditions: Preconditions = {}): FakeObject {
    const object = this.#checked(place, preconditions);
    const { finalizers = [], deletionTimestamp } = object.metadata;
    if (finalizers.length === 0) return this.remove(place);
    if (deletionTimestamp !== undefined) return object;
    return this.#store(place, { ...object, metadata: { ...object.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } });
  }

  remove(place: Place): FakeObject {
    const object = this.#checked(place, {});
    this.#objects.get(place.collection)?.delete(place.key);
    this.#owners.delete(`${place.collection} ${place.key}`);
    this.version += 1;
    const gone = { ...object, metadata: { ...object.metadata, resourceVersion: String(this.version) } };
    this.#record({ version: this.version, type: "DELETED", collection: place.collection, object: gone });
    return gone;
  }

  #checked(place: Place, preconditions: Preconditions): FakeObject {
    const object = this.get(place);
    if (object === undefined) throw new Refusal(404, "not found");
    const { uid, resourceVersion } = object.metadata;
    if (preconditions.uid !== undefined && preconditions.uid !== uid) throw new Refusal(409, "Precondition failed: UID");
    if (preconditions.resourceVersion !== undefined && preconditions.resourceVersion !== resourceVersion) {
      throw new Refusal(409, "Precondition failed: ResourceVersion");
    }
    return object;
  }

  #store(place: Place, content: object): FakeObject {
    const before = this.get(place);
    const managedFields = this.#ownersOf(place).managedFields();
    const value = content as FakeObject;
    const { metadata } = value;
    const uid = before?.metadata.uid ?? metadata.uid ?? randomUUID();
    const identity = { ...metadata, uid, managedFields };
    const unchanged = { ...value, metadata: { ...identity, resourceVersion: before?.metadata.resourceVersion ?? "" } };
    if (before !== undefined && isDeepStrictEqual(unchanged, before)) return before;
    this.version += 1;
    const object = { ...value, metadata: { ...identity, resourceVersion: String(this.version) } };
    const objects = this.#objects.get(place.collection) ?? new Map<string, FakeObject>();
    this.#objects.set(place.collection, objects.set(place.key, object));
    this.#record({ version: this.version, type: before === undefined ? "ADDED" : "MODIFIED", collection: place.collection, object });
    return object;
  }

  #record(event: FakeEvent): void {
    this.history.push(event);
    this.#onEvent(event);
  }

  #checkVersion(before: FakeObject | undefined, version: string | undefined): void {
    if (version === undefined) return;
    if (before === undefined) throw new Refusal(409, "the object was deleted");
    if (before.metadata.resourceVersion !== version) throw new Refusal(409, "the object has been modified");
  }

  #ownersOf({ collection, key }: Place): FieldOwners {
    const id = `${collection} ${key}`;
    const owners = this.#owners.get(id) ?? new FieldOwners();
    this.#owners.set(id, owners);
    return owners;
  }
}
