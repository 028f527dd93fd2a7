import { type FenceKey, formatFenceKey } from "@fenceline/api";
import type { FenceEdges } from "./fence-edges.ts";

/** How long, and how much, is kept of fences that were deleted. */
export interface ClosedPagesLimits {
  /** Milliseconds; 0 keeps none. */
  readonly keepFor: number;
  /** Most fences. Default 1,000. */
  readonly most?: number;
  /** Most hosts of all of them together. Default 100,000, some 40 MB. */
  readonly mostHosts?: number;
}

interface ClosedPage {
  readonly edges: FenceEdges;
  readonly until: number;
}

const MOST = 1_000;
const MOST_HOSTS = 100_000;

/**
 * What deleted fences had learned. Of too many the one that was deleted first goes: whoever makes
 * and deletes fences all the time pushes out what others deleted long ago, and fills no memory.
 */
export class ClosedPages {
  readonly #limits: Required<ClosedPagesLimits>;
  /** The one that was closed first in front. */
  readonly #pages = new Map<string, ClosedPage>();
  #hosts = 0;

  constructor({ keepFor, most = MOST, mostHosts = MOST_HOSTS }: ClosedPagesLimits) {
    this.#limits = { keepFor, most, mostHosts };
  }

  /**
   * Keeps a page; one on which nothing stands is not worth it.
   *
   * @param at milliseconds of a clock that never goes back
   * @returns whether it is kept
   */
  put(fence: FenceKey, edges: FenceEdges, at: number): boolean {
    const id = formatFenceKey(fence);
    this.#delete(id);
    if (this.#limits.keepFor <= 0 || edges.size === 0) return false;
    this.#pages.set(id, { edges, until: at + this.#limits.keepFor });
    this.#hosts += edges.size;
    this.forget(at);
    return this.#pages.has(id);
  }

  /** Gives a page back, which is kept here no more; undefined when there is none. */
  take(fence: FenceKey, at: number): FenceEdges | undefined {
    const id = formatFenceKey(fence);
    const page = this.#pages.get(id);
    this.#delete(id);
    return page !== undefined && at < page.until ? page.edges : undefined;
  }

  /** Forgets what was kept long enough, and what is too much. */
  forget(at: number): void {
    const { most, mostHosts } = this.#limits;
    for (const [id, { until }] of this.#pages) {
      if (at < until && this.#pages.size <= most && this.#hosts <= mostHosts) return;
      this.#delete(id);
    }
  }

  #delete(id: string): void {
    this.#hosts -= this.#pages.get(id)?.edges.size ?? 0;
    this.#pages.delete(id);
  }
}
