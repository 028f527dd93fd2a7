import { type FencelineError, InvalidResource, type ObjectRef, type OwnKind, type OwnObject, refOf, type SpecFault } from "@fenceline/api";
import type { Clock, KubernetesApi, ObjectEvent, WireObject } from "@fenceline/kubernetes";
import { Informer, keyText, type ObjectKey, type Resource, resourcesOf } from "@fenceline/kubernetes";
import type { KeptObjects } from "./kept-object.ts";
import { changeOf, ObservedKind } from "./observed-kind.ts";
import { OwnFaults } from "./own-faults.ts";
import { ownObjectReader, ownStatusReader } from "./read-own-object.ts";

/** Settings of an {@link ObservedOwnKind}. */
export interface ObservedOwnKindOptions<O> {
  readonly kind: OwnKind<O>;
  readonly api: KubernetesApi;
  readonly clock: Clock;
  /** Shares repeated values. */
  readonly kept: KeptObjects;
  /** Whether an event brings only what this process is writing. */
  readonly isOurs: (event: ObjectEvent<O>) => boolean;
  /** Called when there is something to tell. */
  readonly onChange: (urgent: boolean) => void;
  /** Told of an object that came or went, in any group. */
  readonly onPresence: (of: ObjectRef) => void;
  /**
   * Told of an object whose spec became unreadable, for another reason, or readable again; and of
   * one that does not count because another has its name.
   */
  readonly onFault: (of: ObjectRef) => void;
  readonly onTrouble: (error: FencelineError) => void;
}

/** The informer of one group's objects. */
export interface OwnInformer<O> {
  readonly resource: Resource;
  readonly informer: Informer<O>;
  /** Objects whose spec cannot be read. */
  readonly faults: OwnFaults;
}

/** An object that counts, and the informer that holds it. */
export interface OwnPlace<O> extends Pick<OwnInformer<O>, "resource" | "informer"> {
  readonly object: O;
}

/** The object into which a status is written. */
export interface StatusPlace {
  readonly object: OwnObject;
  readonly resource: Resource;
  readonly informer: Pick<Informer<unknown>, "absorb">;
}

/**
 * The objects of a kind of ours, in all its groups. Where several have one name, that of the first
 * group counts.
 */
export class ObservedOwnKind<O extends OwnObject> {
  readonly kind: OwnKind<O>;
  /** In the order of precedence. */
  readonly places: readonly OwnInformer<O>[];
  /** The objects that count. */
  readonly effective: ObservedKind<O>;
  readonly #options: ObservedOwnKindOptions<O>;

  constructor(options: ObservedOwnKindOptions<O>) {
    const { kind, api, clock, onTrouble, onFault } = options;
    this.kind = kind;
    this.#options = options;
    this.places = resourcesOf(kind).map((resource, rank) => {
      const onEvent = (event: ObjectEvent<O>) => this.#changed(rank, event);
      const faults = new OwnFaults((key) => onFault({ kind: kind.name, namespace: key.namespace ?? "", name: key.name }));
      const informer = new Informer<O>({ api, clock, resource, ...readerWithFaults(kind, faults, options), onEvent, onTrouble });
      return {
        faults,
        informer,
        /** In the version that the API server serves, as far as it is known. */
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

  /** Why the spec of an object cannot be read, whether or not a former version could. */
  faultOf(key: ObjectKey): SpecFault | undefined {
    const valid = this.find(key);
    const places = valid === undefined ? this.places : this.places.filter(({ informer }) => informer === valid.informer);
    return places.find(({ faults }) => faults.get(key) !== undefined)?.faults.get(key)?.fault;
  }

  /** Objects whose specs cannot be read. */
  faulty(): readonly ObjectRef[] {
    const keys = new Set(this.places.flatMap(({ faults }) => faults.keys()));
    return [...keys].map((key) => {
      const [namespace = "", name = ""] = key.split("/");
      return { kind: this.kind.name, namespace, name };
    });
  }

  /**
   * Where the status of an object is written: into the one that counts, else into one whose spec
   * cannot be read.
   */
  placeOfStatus(key: ObjectKey): StatusPlace | undefined {
    const valid = this.find(key);
    if (valid !== undefined) return valid;
    const place = this.places.find(({ faults }) => faults.get(key) !== undefined);
    const known = place?.faults.get(key);
    if (place === undefined || known === undefined) return undefined;
    const { resource, informer } = place;
    const { namespace = "", name } = key;
    const metadata = { namespace, name, uid: known.uid, labels: {} };
    const object = { apiVersion: resource.apiVersion, kind: this.kind.name, metadata, status: known.fault.status };
    return { resource, informer, object };
  }

  /**
   * A `resync` is told like a change: if anything was missed, the object is looked at once more.
   */
  #changed(rank: number, event: ObjectEvent<O>): void {
    const { kind, metadata } = event.object;
    if (event.type === "added" || event.type === "deleted") this.#options.onPresence(refOf(kind, event.object));
    const others = this.places.filter((_, place) => place !== rank);
    if (others.slice(0, rank).some(({ informer }) => informer.get(metadata)?.value !== undefined)) {
      // The object that counts is looked at, so that the other one says that it does not.
      this.#options.onFault(refOf(kind, event.object));
      return;
    }
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

/**
 * Makes the parser of a kind of ours. Where a spec cannot be read, the former version stays in
 * force, with the current status.
 */
function readerWithFaults<O extends OwnObject>(
  kind: OwnKind<O>,
  faults: OwnFaults,
  { onTrouble, kept }: Pick<ObservedOwnKindOptions<O>, "onTrouble" | "kept">,
) {
  const readStatus = ownStatusReader(kind, onTrouble, kept);
  const read = ownObjectReader(kind, onTrouble, readStatus);
  return {
    parse(object: WireObject, previous: O | undefined): O {
      try {
        const parsed = read(object, previous);
        faults.read(object);
        if (parsed.fault !== undefined && parsed.fault !== previous?.fault) onTrouble(partlyInvalid(kind, object, parsed.fault));
        return parsed;
      } catch (error) {
        faults.failed(object, error, readStatus(object, previous));
        throw error;
      }
    },
    salvage: (object: WireObject, previous: O): O => ({ ...previous, status: readStatus(object, previous) }),
    onGone: (key: string) => faults.gone(key),
  };
}

function partlyInvalid({ name, errorPrefix }: OwnKind, { metadata }: WireObject, message: string): FencelineError {
  return new InvalidResource(`${errorPrefix}_INVALID`, { at: { object: `${name} ${keyText(metadata)}` }, message });
}
