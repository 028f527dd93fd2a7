import { isDeepStrictEqual } from "node:util";
import { doublingPause, type ObjectRef, type PauseLimits, pauseAskedBy, refText, shortenedAtRandom } from "@fenceline/api";
import type { Obstacle } from "@fenceline/store";

/** Settings of {@link Obstacles}. */
export interface ObstaclesOptions {
  /** Told of an obstacle that is new or has another reason, and with undefined when it is gone. */
  readonly onChange: (owner: ObjectRef, object: ObjectRef, obstacle: Obstacle | undefined) => void;
  /** Milliseconds that only grow. Default `performance.now`. */
  readonly clock?: () => number;
}

interface Refused {
  readonly owner: ObjectRef;
  /** Whether the write threw: then whoever asked for it tries again by a pace of its own. */
  readonly threw: boolean;
  /** Whether {@link ObstaclesOptions.onChange} was told of it. */
  readonly isTold: boolean;
  /** What was to be written. */
  readonly object: ObjectRef;
  readonly write: unknown;
  readonly obstacle: Obstacle;
  /** Refusals in a row. */
  readonly times: number;
  /** When the same write may be tried again. */
  readonly until: number;
}

/**
 * So many failures in a row count as an obstacle. An API server that is busy for a moment is no
 * news, and a status that tells it would cost the server one more write.
 */
const FAILURES = 2;
/**
 * A failure that takes longer than this, in milliseconds, counts at once. The time includes the
 * pause that the server asks for.
 */
const MOMENT = 1_000;
/** Pauses before the same write is tried again. */
const PAUSE: PauseLimits = { first: 1_000, longest: 30_000 };

/**
 * Remembers what stands in the way of the writes for each owner: of each rendered object, and of
 * the status, which has the owner's own name.
 *
 * A person has to remove an obstacle. We watch little of what they do about it, such as a right or
 * a CRD. So the write is tried again by itself, ever more slowly. It is not tried with every change
 * of the mesh: a thousand objects without a right would send a thousand requests for every pod that
 * comes or goes. A write with another content is tried at once.
 */
export class Obstacles {
  readonly #onChange: ObstaclesOptions["onChange"];
  readonly #clock: () => number;
  /** By owner, and by object. */
  readonly #owners = new Map<string, Map<string, Refused>>();

  constructor({ onChange, clock = () => performance.now() }: ObstaclesOptions) {
    this.#onChange = onChange;
    this.#clock = clock;
  }

  /**
   * Runs a write, unless the same one met an obstacle a moment ago. Returns what stands in its way.
   *
   * @param object what is written
   * @param write how, for comparison with the last time
   * @param failure what a write that threw says of the object; undefined when nothing
   * @throws what `run` throws
   */
  async attempt(
    owner: ObjectRef,
    object: ObjectRef,
    write: unknown,
    run: () => Promise<Obstacle | undefined>,
    failure: (error: unknown) => Obstacle | undefined = () => undefined,
  ): Promise<Obstacle | undefined> {
    const refused = this.#owners.get(refText(owner))?.get(refText(object));
    if (refused !== undefined && this.#clock() < refused.until && isDeepStrictEqual(refused.write, write)) return refused.obstacle;
    let obstacle: Obstacle | undefined;
    const began = this.#clock();
    try {
      obstacle = await run();
    } catch (error) {
      const isBrief = this.#clock() - began + pauseAskedBy(error) <= MOMENT;
      this.#failed(owner, { object, write, obstacle: failure(error) }, isBrief);
      throw error;
    }
    if (obstacle === undefined) {
      this.clear(owner, object);
      return undefined;
    }
    const times = (refused?.threw === false ? refused.times : 0) + 1;
    const until = this.#clock() + shortenedAtRandom(doublingPause(times, PAUSE));
    this.#keep({ owner, object, write, obstacle, times, until, threw: false, isTold: true });
    if (refused?.isTold !== true || obstacle.reason !== refused.obstacle.reason) this.#onChange(owner, object, obstacle);
    return obstacle;
  }

  /** What stands in the way of an owner, in the order in which it was met. */
  of(owner: ObjectRef): readonly Obstacle[] {
    return [...(this.#owners.get(refText(owner))?.values() ?? [])].filter(isObstacle).map(({ obstacle }) => obstacle);
  }

  /**
   * How long until a write for the owner is to be tried again, in milliseconds; undefined when
   * nothing stands in its way.
   */
  retryAfter(owner: ObjectRef): number | undefined {
    const refused = [...(this.#owners.get(refText(owner))?.values() ?? [])].filter(({ threw }) => !threw);
    const times = refused.map(({ until }) => until);
    return times.length === 0 ? undefined : Math.max(0, Math.min(...times) - this.#clock());
  }

  /** A write succeeded, or is not wanted any more. */
  clear(owner: ObjectRef, object: ObjectRef): void {
    const objects = this.#owners.get(refText(owner));
    const refused = objects?.get(refText(object));
    if (objects === undefined || refused === undefined) return;
    objects.delete(refText(object));
    if (objects.size === 0) this.#owners.delete(refText(owner));
    if (refused.isTold) this.#onChange(owner, object, undefined);
  }

  /** Writes for the owner are not wanted any more, except for those of these objects. */
  clearOthers(owner: ObjectRef, wanted: readonly ObjectRef[]): void {
    const ids = new Set(wanted.map(refText));
    const objects = [...(this.#owners.get(refText(owner))?.values() ?? [])].map(({ object }) => object);
    for (const object of objects) if (!ids.has(refText(object))) this.clear(owner, object);
  }

  /** Everything that stands in the way of any owner. */
  all(): readonly Obstacle[] {
    return this.byOwner().map(({ obstacle }) => obstacle);
  }

  /** The same, each with its owner. */
  byOwner(): readonly { readonly owner: ObjectRef; readonly obstacle: Obstacle }[] {
    return [...this.#owners.values()].flatMap((objects) => [...objects.values()].filter(isObstacle));
  }

  /**
   * A write threw. The message of the first failure stays as long as the reason does: a request
   * number in each message would cost one more write of a status each time.
   */
  #failed(
    owner: ObjectRef,
    { object, write, obstacle }: Pick<Refused, "object" | "write"> & { readonly obstacle: Obstacle | undefined },
    isBrief: boolean,
  ) {
    const before = this.#owners.get(refText(owner))?.get(refText(object));
    if (before !== undefined && (!before.threw || before.isTold)) this.#keep({ ...before, threw: true });
    else if (obstacle !== undefined) {
      const told = before?.obstacle.reason === obstacle.reason ? before.obstacle : obstacle;
      const times = (before?.times ?? 0) + (isBrief ? 1 : FAILURES);
      this.#keep({ owner, object, write, obstacle: told, times, until: Number.NEGATIVE_INFINITY, threw: true, isTold: false });
    }
  }

  #keep(refused: Refused): void {
    const { owner } = refused;
    const objects = this.#owners.get(refText(owner)) ?? new Map<string, Refused>();
    this.#owners.set(refText(owner), objects.set(refText(refused.object), refused));
  }
}

function isObstacle({ threw, times, isTold }: Refused): boolean {
  return !threw || isTold || times >= FAILURES;
}
