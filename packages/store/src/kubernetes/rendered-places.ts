import type { RenderedKind } from "@fenceline/api";
import { type Informer, type Resource, resourcesOf } from "@fenceline/kubernetes";
import type { LiveObject } from "./apply/live-object.ts";

/** A kind that is rendered, how paths name it, and the informer that knows its objects. */
export interface RenderedPlace {
  readonly kind: RenderedKind;
  readonly resource: Resource;
  readonly informer: Informer<LiveObject>;
}

/** Where the objects of each rendered kind are. A new kind needs only a line in the table. */
export class RenderedPlaces {
  /** In the order in which kinds are applied. */
  readonly all: readonly RenderedPlace[];
  readonly #byName: ReadonlyMap<string, RenderedPlace>;

  constructor(kinds: readonly RenderedKind[], informerOf: (kind: RenderedKind, resource: Resource) => Informer<LiveObject>) {
    this.all = kinds.map((kind) => {
      const [resource] = resourcesOf(kind);
      return { kind, resource, informer: informerOf(kind, resource) };
    });
    this.#byName = new Map(this.all.map((place) => [place.kind.name, place]));
  }

  /** @throws {RangeError} when nothing of this kind is rendered */
  of(kind: string): RenderedPlace {
    const place = this.#byName.get(kind);
    if (place === undefined) throw new RangeError(`${kind} is not in the table of rendered kinds`);
    return place;
  }
}
