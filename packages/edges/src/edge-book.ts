import type { FenceKey } from "@fenceline/api";
import { FenceEdges } from "./fence-edges.ts";
import type { AgeingPolicy } from "./host-entry.ts";

/**
 * Every fence's edges. It holds fences that someone declared and nothing else, so made-up sources
 * cannot make it grow.
 */
export class EdgeBook {
  readonly #fences = new Map<string, Map<string, FenceEdges>>();

  /** Opens a page for a fence, or gives its page the new policy. */
  open({ namespace, name }: FenceKey, policy: AgeingPolicy): FenceEdges {
    const byName = this.#fences.get(namespace) ?? new Map<string, FenceEdges>();
    this.#fences.set(namespace, byName);
    const known = byName.get(name);
    known?.setPolicy(policy);
    const edges = known ?? new FenceEdges(policy);
    byName.set(name, edges);
    return edges;
  }

  /** The page of a fence; undefined when no such fence is open. */
  of({ namespace, name }: FenceKey): FenceEdges | undefined {
    return this.#fences.get(namespace)?.get(name);
  }

  /** Closes the page of a fence that was deleted; what it had learned is gone with it. */
  close({ namespace, name }: FenceKey): void {
    const byName = this.#fences.get(namespace);
    byName?.delete(name);
    if (byName?.size === 0) this.#fences.delete(namespace);
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
