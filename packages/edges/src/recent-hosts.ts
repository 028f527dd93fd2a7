import { LRUCache } from "lru-cache";
import type { HostEntry } from "./host-entry.ts";

/** The cache reserves memory for all of its room, and most fences hold few hosts. */
const ROOM_AT_FIRST = 32;

/**
 * Hosts in the order of their last use. Its room grows with them: the cache never decides which
 * host is removed.
 */
export class RecentHosts {
  #cache = new LRUCache<string, HostEntry>({ max: ROOM_AT_FIRST });

  get size(): number {
    return this.#cache.size;
  }

  has(host: string): boolean {
    return this.#cache.has(host);
  }

  /** The entry of a host, which counts as a use. */
  use(host: string): HostEntry | undefined {
    return this.#cache.get(host);
  }

  /** The entry of a host, which does not count as a use. */
  peek(host: string): HostEntry | undefined {
    return this.#cache.peek(host);
  }

  /** Adds an entry, as the one used last. */
  put(entry: HostEntry): void {
    if (this.#cache.size >= this.#cache.max) this.#grow();
    this.#cache.set(entry.host, entry);
  }

  delete(host: string): boolean {
    return this.#cache.delete(host);
  }

  /**
   * Hosts that a wrong clock saw in the future count as seen now: otherwise nothing would count
   * until then.
   */
  setBack(now: number): void {
    for (const entry of this.values()) {
      entry.lastSeen = Math.min(entry.lastSeen, now);
      entry.firstSeen = Math.min(entry.firstSeen, now);
    }
  }

  /** Every entry, the one used last first. */
  values(): HostEntry[] {
    return [...this.#cache.values()].filter((entry) => entry !== undefined);
  }

  /** Every entry, the one unused for longest first. */
  *leastRecent(): Generator<HostEntry> {
    for (const entry of this.#cache.rvalues()) if (entry !== undefined) yield entry;
  }

  /** The same hosts in the same order, with twice the room. */
  #grow(): void {
    const larger = new LRUCache<string, HostEntry>({ max: 2 * this.#cache.max });
    for (const entry of this.leastRecent()) larger.set(entry.host, entry);
    this.#cache = larger;
  }
}
