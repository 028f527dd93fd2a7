import type { FenceKey } from "@fenceline/api";
import { ClosedPages, type ClosedPagesLimits } from "./closed-pages.ts";
import { FenceEdges } from "./fence-edges.ts";
import type { AgeingPolicy } from "./host-entry.ts";

/**
 * The edges of every fence. It only holds fences that somebody declared, so invented sources cannot
 * make it grow. The page of a deleted fence is kept for a grace period.
 */
export class EdgeBook {
  readonly #fences = new Map<string, Map<string, FenceEdges>>();
  readonly #closed: ClosedPages;

  /** @param keep how long, and how many, pages of deleted fences are kept. Default: none */
  constructor(keep: ClosedPagesLimits = { keepFor: 0 }) {
    this.#closed = new ClosedPages(keep);
  }

  /**
   * Opens a page for a fence, or gives its page the new policy.
   *
   * @param at milliseconds of a clock that never goes back: a page that was closed not long before
   * is used again. Default: none is
   */
  open(key: FenceKey, policy: AgeingPolicy, at = Number.POSITIVE_INFINITY): FenceEdges {
    const { namespace, name } = key;
    const byName = this.#fences.get(namespace) ?? new Map<string, FenceEdges>();
    this.#fences.set(namespace, byName);
    const known = byName.get(name) ?? this.#closed.take(key, at);
    known?.setPolicy(policy);
    const edges = known ?? new FenceEdges(policy);
    byName.set(name, edges);
    return edges;
  }

  /** The page of a fence; undefined when it has none. */
  of({ namespace, name }: FenceKey): FenceEdges | undefined {
    return this.#fences.get(namespace)?.get(name);
  }

  /**
   * Closes the page of a fence that was deleted.
   *
   * @param at milliseconds of a clock that never goes back. Default: its beginning
   * @returns whether it is kept for a while
   */
  close(key: FenceKey, at = 0): boolean {
    const { namespace, name } = key;
    const byName = this.#fences.get(namespace);
    const edges = byName?.get(name);
    byName?.delete(name);
    if (byName?.size === 0) this.#fences.delete(namespace);
    return edges !== undefined && this.#closed.put(key, edges, at);
  }

  /** Drops closed pages that were kept for long enough. */
  forgetClosed(at: number): void {
    this.#closed.forget(at);
  }

  /**
   * Drops the page of a deleted fence.
   *
   * @returns how many hosts it had; undefined where none was kept
   */
  forget(key: FenceKey): number | undefined {
    return this.#closed.take(key, 0)?.size;
  }

  /** Edges of all fences. */
  get size(): number {
    let size = 0;
    for (const byName of this.#fences.values()) for (const edges of byName.values()) size += edges.size;
    return size;
  }

  /** Fences that are open, in any order. */
  fences(): FenceKey[] {
    return [...this.#fences].flatMap(([namespace, byName]) => [...byName.keys()].map((name) => ({ namespace, name })));
  }
}
