import type { FencelineError, ObjectRef, OwnKind, OwnObject } from "@fenceline/api";
import type { Clock, KubernetesApi, ObjectEvent } from "@fenceline/kubernetes";
import { Informer, keyText, type ObjectKey, type Resource, resourcesOf } from "@fenceline/kubernetes";
import type { KeptObjects } from "./kept-object.ts";
import { changeOf, ObservedKind } from "./observed-kind.ts";
import { ownObjectReader } from "./read-own-object.ts";

/** Settings of an {@link ObservedOwnKind}. */
export interface ObservedOwnKindOptions<O> {
  readonly kind: OwnKind<O>;
  readonly api: KubernetesApi;
  readonly clock: Clock;
  /** What repeats. */
  readonly kept: KeptObjects;
  /** Whether an event says nothing but what this process writes. */
  readonly isOurs: (event: ObjectEvent<O>) => boolean;
  /** Told that something is to be told. */
  readonly onChange: (urgent: boolean) => void;
  /** Told of an object that came or went, in any group. */
  readonly onPresence: (of: ObjectRef) => void;
  readonly onTrouble: (error: FencelineError) => void;
}

/** The informer of one group's objects. */
export interface OwnInformer<O> {
  readonly resource: Resource;
  readonly informer: Informer<O>;
}

/** An object that counts, and the informer that knows it. */
export interface OwnPlace<O> extends OwnInformer<O> {
  readonly object: O;
}

/**
 * The objects of a kind of ours, of all its groups. Where several have one of a name, that of the
 * first group counts.
 */
export class ObservedOwnKind<O extends OwnObject> {
  readonly kind: OwnKind<O>;
  /** In the order of precedence. */
  readonly places: readonly OwnInformer<O>[];
  /** Those that count. */
  readonly effective: ObservedKind<O>;
  readonly #options: ObservedOwnKindOptions<O>;

  constructor(options: ObservedOwnKindOptions<O>) {
    const { kind, api, clock, kept, onTrouble } = options;
    this.kind = kind;
    this.#options = options;
    this.places = resourcesOf(kind).map((resource, rank) => {
      const onEvent = (event: ObjectEvent<O>) => this.#changed(rank, event);
      const informer = new Informer<O>({ api, clock, resource, parse: ownObjectReader(kind, onTrouble, kept), onEvent, onTrouble });
      return {
        informer,
        /** By the version that the API server serves, as far as is known now. */
        get resource() {
          return informer.resource;
        },
      };
    });
    this.effective = new ObservedKind(() => this.#list());
  }

  get informers(): readonly Informer<O>[] {
    return this.places.map(({ informer }) => informer);
  }

  /** The object of this name that counts. */
  find(key: ObjectKey): OwnPlace<O> | undefined {
    for (const place of this.places) {
      const object = place.informer.get(key)?.value;
      if (object !== undefined) return { ...place, object };
    }
    return undefined;
  }

  /**
   * A `resync` is told like a change: should anything have been missed, the object is looked at
   * once more.
   */
  #changed(rank: number, event: ObjectEvent<O>): void {
    const { kind, metadata } = event.object;
    const { namespace, name } = metadata;
    if (event.type === "added" || event.type === "deleted") this.#options.onPresence({ kind, namespace, name });
    const others = this.places.filter((_, place) => place !== rank);
    if (others.slice(0, rank).some(({ informer }) => informer.get(metadata)?.value !== undefined)) return;
    const hidden = others.slice(rank).find(({ informer }) => informer.get(metadata)?.value !== undefined);
    const { before = hidden?.informer.get(metadata)?.value, after = hidden?.informer.get(metadata)?.value } = changeOf(event);
    const isOurs = this.#options.isOurs(event);
    this.effective.changed(keyText(metadata), { before, after, isOurs });
    if (!isOurs) this.#options.onChange(true);
  }

  #list(): readonly O[] {
    const [first, ...others] = this.places.map(({ informer }) => informer.objects());
    const objects = new Map((first ?? []).map((object) => [keyText(object.metadata), object]));
    for (const object of others.flat()) if (!objects.has(keyText(object.metadata))) objects.set(keyText(object.metadata), object);
    return [...objects.values()];
  }
}
