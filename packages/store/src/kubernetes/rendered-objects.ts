import { type ObjectRef, RENDERED_KINDS, type RenderedObject, refText } from "@fenceline/api";
import type { Informer, ObjectEvent } from "@fenceline/kubernetes";
import type { MeshChanges } from "../store.ts";
import type { LiveObject } from "./apply/live-object.ts";
import { OWN_NAMES, ownerOf } from "./apply/ownership.ts";

type RenderedKind = RenderedObject["kind"];

/**
 * Who owns which object of the rendered kinds, and which ones of a namespace are others'. Kept up
 * with the events of the informers: to look through all objects for each fence would cost the
 * square of the mesh.
 */
export class RenderedObjects {
  readonly #informers: Readonly<Record<RenderedKind, Informer<LiveObject>>>;
  /** Places of objects by their owner, in the order in which they came. */
  readonly #owned = new Map<string, { readonly owner: ObjectRef; readonly places: Map<string, ObjectRef<RenderedKind>> }>();
  /** Places of others' objects by kind and namespace. */
  readonly #foreign = new Map<string, Map<string, ObjectRef<RenderedKind>>>();

  /** To be told: owners, and namespaces of others' objects. */
  readonly #disturbed = new Map<string, ObjectRef>();
  readonly #changedNamespaces = new Set<string>();

  readonly #own: ReadonlySet<string>;

  /** @param own names of the kinds that own what is rendered */
  constructor(informers: Readonly<Record<RenderedKind, Informer<LiveObject>>>, own: ReadonlySet<string> = OWN_NAMES) {
    this.#own = own;
    this.#informers = informers;
  }

  /**
   * To be called with every event of an informer, before anybody asks.
   *
   * @param isAsLeft whether the object is as we wrote it
   * @returns whether something is to be told
   */
  changed(event: ObjectEvent<LiveObject>, isAsLeft: boolean): boolean {
    if (event.type === "resync") return false;
    if (event.type === "modified") this.#remove(event.previous);
    if (event.type === "deleted") this.#remove(event.object);
    else this.#add(event.object);
    if (isAsLeft) return false;
    this.#note(event.object);
    if (event.type === "modified") this.#note(event.previous);
    return true;
  }

  /** What changed since it was last asked for. */
  takeChanges(): Pick<MeshChanges, "disturbed" | "foreign"> {
    const changes = { disturbed: [...this.#disturbed.values()], foreign: [...this.#changedNamespaces] };
    this.#disturbed.clear();
    this.#changedNamespaces.clear();
    return changes;
  }

  /** In the order in which kinds are applied. */
  ownedBy(owner: ObjectRef): LiveObject[] {
    const live = this.#live(this.#owned.get(refText(owner))?.places);
    return RENDERED_KINDS.flatMap(({ name }) => live.filter(({ kind }) => kind === name));
  }

  /** Owners of a kind that have an object. */
  owners(kind: string): ObjectRef[] {
    return [...this.#owned.values()].flatMap(({ owner }) => (owner.kind === kind ? [owner] : []));
  }

  foreign(kind: RenderedKind, namespace: string): LiveObject[] {
    return this.#live(this.#foreign.get(`${kind} ${namespace}`));
  }

  #live(places: ReadonlyMap<string, ObjectRef<RenderedKind>> | undefined): LiveObject[] {
    return [...(places?.values() ?? [])].flatMap((place) => this.#informers[place.kind].get(place)?.value ?? []);
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
      const places = this.#foreign.get(id) ?? new Map<string, ObjectRef<RenderedKind>>();
      this.#foreign.set(id, places.set(refText(place), place));
      return;
    }
    const known = this.#owned.get(refText(owner)) ?? { owner, places: new Map<string, ObjectRef<RenderedKind>>() };
    known.places.set(refText(place), place);
    this.#owned.set(refText(owner), known);
  }

  #remove(live: LiveObject): void {
    const { kind, namespace, name } = live;
    const place = refText({ kind, namespace, name });
    const owner = ownerOf(live, this.#own);
    const id = owner === undefined ? `${kind} ${namespace}` : refText(owner);
    const places = owner === undefined ? this.#foreign.get(id) : this.#owned.get(id)?.places;
    places?.delete(place);
    if (places?.size !== 0) return;
    if (owner === undefined) this.#foreign.delete(id);
    else this.#owned.delete(id);
  }
}
