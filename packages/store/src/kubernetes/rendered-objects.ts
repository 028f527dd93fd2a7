import { type Kind, type ObjectRef, refText } from "@fenceline/api";
import type { ObjectEvent } from "@fenceline/kubernetes";
import { OwnedObjects } from "../owned-objects.ts";
import type { MeshChanges } from "../store.ts";
import type { LiveObject } from "./apply/live-object.ts";
import { ownerOf } from "./apply/ownership.ts";
import type { RenderedPlaces } from "./rendered-places.ts";

/**
 * Which owner has which rendered objects, and which objects of a namespace are others'. The events
 * of the informers keep it up to date.
 */
export class RenderedObjects {
  readonly #kinds: RenderedPlaces;
  readonly #own: ReadonlySet<string>;
  /** Places of objects by their owner. */
  readonly #owned: OwnedObjects<ObjectRef>;
  /** Places of others' objects by kind and namespace. */
  readonly #foreign = new Map<string, Map<string, ObjectRef>>();

  /** What is to be told: owners, and namespaces of others' objects. */
  readonly #disturbed = new Map<string, ObjectRef>();
  readonly #changedNamespaces = new Set<string>();

  /** @param owners names of the kinds that own what is rendered, and which objects of them exist */
  constructor(kinds: RenderedPlaces, owners: { readonly kinds: ReadonlySet<string>; readonly exists: (owner: ObjectRef) => boolean }) {
    this.#kinds = kinds;
    this.#own = owners.kinds;
    this.#owned = new OwnedObjects(owners.exists);
  }

  /**
   * Must be called with every event of an informer, before anybody reads.
   *
   * @param isOurs whether a write of ours brought it
   * @returns whether something is to be told
   */
  changed(event: ObjectEvent<LiveObject>, isOurs: boolean): boolean {
    if (event.type === "resync") return false;
    if (event.type === "modified") this.#remove(event.previous);
    if (event.type === "deleted") this.#remove(event.object);
    else this.#add(event.object);
    if (isOurs) return false;
    this.#note(event.object);
    if (event.type === "modified") this.#note(event.previous);
    return true;
  }

  /** What changed since the last call. */
  takeChanges(): Pick<MeshChanges, "disturbed" | "foreign"> {
    const changes = { disturbed: [...this.#disturbed.values()], foreign: [...this.#changedNamespaces] };
    this.#disturbed.clear();
    this.#changedNamespaces.clear();
    return changes;
  }

  /** In the order in which kinds are applied. */
  ownedBy(owner: ObjectRef): LiveObject[] {
    const live = this.#live(this.#owned.of(owner));
    return this.#kinds.all.flatMap((place) => live.filter(({ kind }) => kind === place.kind.name));
  }

  /** An object of ours came or went. */
  ownerChanged(owner: ObjectRef): void {
    this.#owned.ownerChanged(owner);
  }

  /** Owners of a kind that do not exist, though rendered objects of theirs do. */
  goneOwners(kind: Kind): readonly ObjectRef[] {
    return this.#owned.gone(kind);
  }

  foreign(kind: string, namespace: string): LiveObject[] {
    return this.#live([...(this.#foreign.get(`${kind} ${namespace}`)?.values() ?? [])]);
  }

  #live(places: readonly ObjectRef[]): LiveObject[] {
    return places.flatMap((place) => this.#kinds.of(place.kind).informer.get(place)?.value ?? []);
  }

  #note(live: LiveObject): void {
    const owner = ownerOf(live, this.#own);
    if (owner === undefined) this.#changedNamespaces.add(live.namespace);
    else this.#disturbed.set(refText(owner), owner);
  }

  #add(live: LiveObject): void {
    const { kind, namespace, name } = live;
    const place = { kind, namespace, name };
    const owner = ownerOf(live, this.#own);
    if (owner === undefined) {
      const id = `${kind} ${namespace}`;
      const places = this.#foreign.get(id) ?? new Map<string, ObjectRef>();
      this.#foreign.set(id, places.set(refText(place), place));
      return;
    }
    this.#owned.set(owner, place, place);
  }

  #remove(live: LiveObject): void {
    const { kind, namespace, name } = live;
    const place = { kind, namespace, name };
    const owner = ownerOf(live, this.#own);
    if (owner !== undefined) {
      this.#owned.delete(owner, place);
      return;
    }
    const id = `${kind} ${namespace}`;
    const places = this.#foreign.get(id);
    places?.delete(refText(place));
    if (places?.size === 0) this.#foreign.delete(id);
  }
}
