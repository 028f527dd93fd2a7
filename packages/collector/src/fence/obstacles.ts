import { isDeepStrictEqual } from "node:util";
import { doublingPause, type FenceKey, formatFenceKey, type PauseLimits, shortenedAtRandom } from "@fenceline/api";
import type { Obstacle } from "@fenceline/store";

/** Settings of {@link Obstacles}. */
export interface ObstaclesOptions {
  /** Told of an obstacle that is new or has another reason, and with undefined when it is gone. */
  readonly onChange: (fence: FenceKey, kind: Obstacle["kind"], obstacle: Obstacle | undefined) => void;
  /** Milliseconds that only grow. Default `performance.now`. */
  readonly now?: () => number;
}

interface Refused {
  readonly write: unknown;
  readonly obstacle: Obstacle;
  /** Refusals in a row. */
  readonly times: number;
  /** When the same write may be tried again. */
  readonly until: number;
}

/** Pauses before the same write is tried again. */
const PAUSE: PauseLimits = { first: 1_000, longest: 30_000 };

/**
 * Remembers what stands in the way of the fences' writes.
 *
 * A person has to remove an obstacle, and most of what they do about it (a right, a CRD, an
 * EnvoyFilter of somebody else) is in no watch of ours. So a write is tried again, ever more
 * slowly, and not with every change of the mesh: a thousand fences without a right would otherwise
 * send a thousand requests for every pod that comes or goes. What changed about the write itself is
 * tried at once.
 */
export class Obstacles {
  readonly #onChange: ObstaclesOptions["onChange"];
  readonly #now: () => number;
  readonly #fences = new Map<string, Map<Obstacle["kind"], Refused>>();

  constructor({ onChange, now = () => performance.now() }: ObstaclesOptions) {
    this.#onChange = onChange;
    this.#now = now;
  }

  /**
   * Runs a write, unless the same one met an obstacle a moment ago. Returns what stands in its way.
   *
   * @param write what is written, for comparison with the last one
   * @throws what `run` throws
   */
  async attempt(
    fence: FenceKey,
    kind: Obstacle["kind"],
    write: unknown,
    run: () => Promise<Obstacle | undefined>,
  ): Promise<Obstacle | undefined> {
    const refused = this.#fences.get(formatFenceKey(fence))?.get(kind);
    if (refused !== undefined && this.#now() < refused.until && isDeepStrictEqual(refused.write, write)) return refused.obstacle;
    const obstacle = await run();
    if (obstacle === undefined) {
      this.clear(fence, kind);
      return undefined;
    }
    const times = (refused?.times ?? 0) + 1;
    const kinds = this.#fences.get(formatFenceKey(fence)) ?? new Map<Obstacle["kind"], Refused>();
    kinds.set(kind, { write, obstacle, times, until: this.#now() + shortenedAtRandom(doublingPause(times, PAUSE)) });
    this.#fences.set(formatFenceKey(fence), kinds);
    if (obstacle.reason !== refused?.obstacle.reason) this.#onChange(fence, kind, obstacle);
    return obstacle;
  }

  /** What stands in the way of a fence, in the order in which it was met. */
  of(fence: FenceKey): readonly Obstacle[] {
    return [...(this.#fences.get(formatFenceKey(fence))?.values() ?? [])].map(({ obstacle }) => obstacle);
  }

  /**
   * How long until a write of the fence is to be tried again, in milliseconds; undefined when
   * nothing stands in its way.
   */
  retryAfter(fence: FenceKey): number | undefined {
    const times = [...(this.#fences.get(formatFenceKey(fence))?.values() ?? [])].map(({ until }) => until);
    return times.length === 0 ? undefined : Math.max(0, Math.min(...times) - this.#now());
  }

  /** A write succeeded, or is not wanted any more. */
  clear(fence: FenceKey, kind: Obstacle["kind"]): void {
    const kinds = this.#fences.get(formatFenceKey(fence));
    if (kinds?.delete(kind) !== true) return;
    if (kinds.size === 0) this.#fences.delete(formatFenceKey(fence));
    this.#onChange(fence, kind, undefined);
  }

  /** Everything that stands in the way of any fence. */
  all(): readonly Obstacle[] {
    return [...this.#fences.values()].flatMap((kinds) => [...kinds.values()].map(({ obstacle }) => obstacle));
  }
}
