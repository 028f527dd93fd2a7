import { isDeepStrictEqual } from "node:util";
import { compareText, type SmartLimiter } from "@fenceline/api";
import type { Registry } from "@fenceline/registry";
import { type LimitGroup, LimitGroups } from "@fenceline/render/limiter";
import { createdAt, type LimiterPods, limitedPods, limiterPods, withoutRoom } from "./limiter-pods.ts";
import { MOST_SETS, type SetSources } from "./limiter-sets.ts";

/** Dependencies of a {@link LimitedNamespace}. */
export interface LimitedNamespaceOptions {
  readonly sources: SetSources;
  readonly registry: () => Registry;
  /** Told of every look-up. Without pods, the limiter is gone. */
  readonly onLooked: (limiter: SmartLimiter, pods: LimiterPods | undefined) => void;
}

/** What changed in a namespace. */
export interface LimitedChanges {
  /** Limiters by name; undefined where one is gone. */
  readonly limiters: ReadonlyMap<string, SmartLimiter | undefined>;
  /** Names of limiters that read something that changed. */
  readonly readers: Iterable<string>;
}

/**
 * The limiters of a namespace, which share EnvoyFilters. A change costs a look at the limiters that
 * it affects, and at their groups.
 */
export class LimitedNamespace {
  readonly #options: LimitedNamespaceOptions;
  readonly #limiters = new Map<string, SmartLimiter>();
  readonly #pods = new Map<string, LimiterPods>();
  readonly #groups = new LimitGroups();
  /** Number of sets of all its limiters. */
  #setCount = 0;
  /** Limiters for which there is no room. */
  #leftOut: ReadonlySet<string> = new Set();

  constructor(options: LimitedNamespaceOptions) {
    this.#options = options;
  }

  /** Whether it has no limiters. */
  get isEmpty(): boolean {
    return this.#limiters.size === 0;
  }

  /** The limiter as it was last told. */
  limiter(name: string): SmartLimiter | undefined {
    return this.#limiters.get(name);
  }

  /** Names of its limiters. */
  names(): readonly string[] {
    return [...this.#limiters.keys()];
  }

  pods(name: string): LimiterPods | undefined {
    return this.#pods.get(name);
  }

  /** The groups of a limiter's sets. */
  groupsOf(name: string): readonly LimitGroup[] {
    return this.#groups.of(name);
  }

  /** @returns names of limiters that ask, or may ask, for something else than before */
  apply({ limiters, readers }: LimitedChanges): ReadonlySet<string> {
    const looked = new Set(readers);
    for (const [name, limiter] of limiters) if (this.#take(name, limiter)) looked.add(name);
    for (const name of this.#roomChanged()) looked.add(name);
    return new Set([...looked].flatMap((name) => [...this.#look(name)]));
  }

  /** @returns whether its pods or rules changed: its status does not affect others */
  #take(name: string, limiter: SmartLimiter | undefined): boolean {
    const before = this.#limiters.get(name);
    if (limiter === undefined) this.#limiters.delete(name);
    else this.#limiters.set(name, limiter);
    this.#setCount += setsOf(limiter) - setsOf(before);
    if (before !== undefined && limiter === undefined) this.#options.onLooked(before, undefined);
    const isSame = before?.metadata.creationTimestamp === limiter?.metadata.creationTimestamp;
    return !isSame || !isDeepStrictEqual(before?.spec, limiter?.spec);
  }

  #look(name: string): ReadonlySet<string> {
    const limiter = this.#limiters.get(name);
    if (limiter === undefined) {
      this.#pods.delete(name);
      return this.#groups.put(name, []);
    }
    const { sources, registry, onLooked } = this.#options;
    const pods = this.#leftOut.has(name) ? withoutRoom(limiter) : limiterPods(limiter, sources, registry());
    this.#pods.set(name, pods);
    onLooked(limiter, pods);
    return this.#groups.put(name, limitedPods(limiter, pods));
  }

  /**
   * Limiters that have room now and had none, or had some. All are looked at only if it is short.
   */
  #roomChanged(): readonly string[] {
    const before = this.#leftOut;
    this.#leftOut = this.#setCount <= MOST_SETS ? new Set() : limitersWithoutRoom([...this.#limiters.values()]);
    const after = this.#leftOut;
    return [...[...before].filter((name) => !after.has(name)), ...[...after].filter((name) => !before.has(name))];
  }
}

/** The oldest limiters have room first, so that a new one takes it from none. */
function limitersWithoutRoom(limiters: readonly SmartLimiter[]): ReadonlySet<string> {
  let room = MOST_SETS;
  const leftOut = new Set<string>();
  for (const limiter of limiters.toSorted(byAge)) {
    const count = setsOf(limiter);
    if (count > room) leftOut.add(limiter.metadata.name);
    else room -= count;
  }
  return leftOut;
}

function setsOf(limiter: SmartLimiter | undefined): number {
  return limiter === undefined ? 0 : Object.keys(limiter.spec.sets).length;
}

function byAge(one: SmartLimiter, other: SmartLimiter): number {
  return createdAt(one) - createdAt(other) || compareText(one.metadata.name, other.metadata.name);
}
