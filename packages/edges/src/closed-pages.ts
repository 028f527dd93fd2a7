import { type FenceKey, formatFenceKey } from "@fenceline/api";
import type { FenceEdges } from "./fence-edges.ts";

/** How long, and how much of it, is kept of deleted fences. */
export interface ClosedPagesLimits {
  /** Milliseconds; 0 keeps none. */
  readonly keepFor: number;
  /** Most fences. Default 1,000. */
  readonly most?: number;
  /** Most hosts of all these fences. Default 100,000, some 40 MB. */
  readonly mostHosts?: number;
}

interface ClosedPage {
  readonly edges: FenceEdges;
  readonly until: number;
}

const MOST = 1_000;
const MOST_HOSTS = 100_000;

/**
 * What deleted fences had learned. If there are too many, the one that was deleted first is
 * dropped. So whoever makes and deletes fences all the time only displaces old ones, and fills no
 * memory.
 */
export class ClosedPages {
  readonly #limits: Required<ClosedPagesLimits>;
  /** The page that was closed first comes first. */
  readonly #pages = new Map<string, ClosedPage>();
  #hosts = 0;

  constructor({ keepFor, most = MOST, mostHosts = MOST_HOSTS }: ClosedPagesLimits) {
    this.#limits = { keepFor, most, mostHosts };
  }

  /**
   * Keeps a page, unless it is empty.
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

  /** Returns a page, which is not kept here any more; undefined when there is none. */
  take(fence: FenceKey, at: number): FenceEdges | undefined {
    const id = formatFenceKey(fence);
    const page = this.#pages.get(id);
    this.#delete(id);
    return page !== undefined && at < page.until ? page.edges : undefined;
  }

  /** Drops pages that were kept for long enough, and those that are too many. */
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
