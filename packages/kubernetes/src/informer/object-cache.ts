import { isDeepStrictEqual } from "node:util";
import { keyText } from "../client/resource.ts";
import type { WireObject } from "../client/wire-object.ts";

/**
 * What happened to one object. `resync` repeats what is known, for a listener that missed or lost
 * something.
 */
export type ObjectEvent<T> =
  | { readonly type: "added" | "deleted" | "resync"; readonly object: T }
  | { readonly type: "modified"; readonly object: T; readonly previous: T };

/** One object of the cache. */
export interface CacheEntry<T> {
  readonly uid: string;
  readonly resourceVersion: string;
  /** The last valid version; undefined when there was none. */
  readonly value: T | undefined;
}

/** Settings of an {@link ObjectCache}. */
export interface ObjectCacheOptions<T> {
  /**
   * Reduces an object to what is needed, given its last valid version. It throws when the object is
   * not valid.
   */
  readonly parse: (object: WireObject, previous: T | undefined) => T;
  readonly onInvalid: (object: WireObject, error: unknown) => void;
  /** What is kept of an invalid object, given its last valid version. Default: that version. */
  readonly salvage?: ((object: WireObject, previous: T) => T) | undefined;
  /** Called for every object that is gone, valid or not. */
  readonly onGone?: ((key: string) => void) | undefined;
}

/**
 * The objects of one kind, and what each change to them means.
 *
 * An invalid object keeps its last valid version. Of an object that never was valid only the name
 * is known. The uid identifies an object: another uid under the same name is another object, so the
 * old one is deleted first.
 */
export class ObjectCache<T> {
  readonly #options: ObjectCacheOptions<T>;
  readonly #entries = new Map<string, CacheEntry<T>>();

  constructor(options: ObjectCacheOptions<T>) {
    this.#options = options;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): CacheEntry<T> | undefined {
    return this.#entries.get(key);
  }

  /** Every valid object. */
  values(): T[] {
    return [...this.#entries.values()].flatMap(({ value }) => (value === undefined ? [] : [value]));
  }

  /** Objects of which no version was valid. */
  invalid(): number {
    return this.#entries.size - this.values().length;
  }

  /**
   * Takes over an object of a list. A list is right even where its versions are older: the server
   * may have been restored from a backup.
   */
  fromList(object: WireObject): ObjectEvent<T>[] {
    return this.#put(object);
  }

  /**
   * Takes over an object of a watch, or of the answer to a write. A version that is not newer than
   * the known one is a repetition.
   */
  fromEvent(object: WireObject): ObjectEvent<T>[] {
    const known = this.#entries.get(keyText(object.metadata));
    if (known?.uid === object.metadata.uid && !isNewer(object.metadata.resourceVersion, known.resourceVersion)) return [];
    return this.#put(object);
  }

  /** Drops an object. Does nothing when another one of that name has replaced it. */
  delete({ metadata }: Pick<WireObject, "metadata">): ObjectEvent<T>[] {
    const key = keyText(metadata);
    return this.#entries.get(key)?.uid === metadata.uid ? this.#drop(key) : [];
  }

  /** Drops every object that a complete list did not have. */
  retain(keys: ReadonlySet<string>): ObjectEvent<T>[] {
    return [...this.#entries.keys()].filter((key) => !keys.has(key)).flatMap((key) => this.#drop(key));
  }

  #put(object: WireObject): ObjectEvent<T>[] {
    const key = keyText(object.metadata);
    const { uid, resourceVersion } = object.metadata;
    const replaced = this.#entries.get(key)?.uid === uid ? [] : this.#drop(key);
    const known = this.#entries.get(key);
    if (known?.resourceVersion === resourceVersion) return [];
    const previous = known?.value;
    const parsed = this.#parse(object, previous);
    // A version without a change that we read (an annotation, a heartbeat) keeps the old value, and
    // causes no event.
    const value = parsed === undefined || isDeepStrictEqual(parsed, previous) ? previous : parsed;
    this.#entries.set(key, { uid, resourceVersion, value });
    if (value === undefined || value === previous) return replaced;
    return [...replaced, previous === undefined ? { type: "added", object: value } : { type: "modified", object: value, previous }];
  }

  #parse(object: WireObject, previous: T | undefined): T | undefined {
    try {
      return this.#options.parse(object, previous);
    } catch (error) {
      this.#options.onInvalid(object, error);
      return previous && this.#options.salvage?.(object, previous);
    }
  }

  #drop(key: string): ObjectEvent<T>[] {
    const value = this.#entries.get(key)?.value;
    if (this.#entries.delete(key)) this.#options.onGone?.(key);
    return value === undefined ? [] : [{ type: "deleted", object: value }];
  }
}

/**
 * Resource versions may be compared as numbers since Kubernetes 1.35. If they are not numbers,
 * every other version counts as newer.
 */
export function isNewer(version: string, known: string): boolean {
  const decimal = /^\d+$/;
  return decimal.test(version) && decimal.test(known) ? BigInt(version) > BigInt(known) : version !== known;
}
