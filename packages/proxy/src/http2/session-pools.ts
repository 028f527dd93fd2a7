import { LRUCache } from "lru-cache";
import type { Address } from "../resolve/resolver.ts";
import type { UpstreamOptions } from "../upstream/pools.ts";
import type { Http2Options } from "./http2-options.ts";
import { SessionPool, type SessionPoolOptions, type SessionWaiter } from "./session-pool.ts";

/** How often sessions are looked through, in milliseconds. */
const SWEEP_INTERVAL = 1_000;

/** One pool of HTTP/2 connections per address and port, least recently used first out. */
export class SessionPools {
  readonly #pools: LRUCache<string, SessionPool>;
  readonly #retiring = new Map<SessionPool, Promise<void>>();
  readonly #options: SessionPoolOptions;
  readonly #sweeper: NodeJS.Timeout;

  constructor({ connectTimeout = 5_000, maxWaiting = 1_024, maxPools = 4_096 }: UpstreamOptions = {}, http2: Http2Options = {}) {
    const { maxSessions = 16, idleTimeout = 60_000, pingAfter = 30_000, pingTimeout = 15_000 } = http2;
    this.#options = { connectTimeout, maxWaiting, maxSessions, idleTimeout, pingAfter, pingTimeout };
    this.#pools = new LRUCache({ max: maxPools, dispose: (pool) => this.#retire(pool) });
    const interval = Math.min(SWEEP_INTERVAL, idleTimeout, pingAfter);
    this.#sweeper = setInterval(() => this.#sweep(), interval).unref();
  }

  /** Addresses with a pool. */
  get size(): number {
    return this.#pools.size;
  }

  /** Hands a session to the address to the waiter, at once where one has room. */
  acquire(address: Address, waiter: SessionWaiter): void {
    let pool = this.#pools.get(address.origin);
    if (pool === undefined) {
      pool = new SessionPool(address, this.#options);
      this.#pools.set(address.origin, pool);
    }
    pool.acquire(waiter);
  }

  /** Waits for streams under way, then closes every session. */
  async close(): Promise<void> {
    clearInterval(this.#sweeper);
    this.#pools.clear();
    await Promise.all(this.#retiring.values());
  }

  /** Closes every session now. */
  destroy(): void {
    this.#pools.clear();
    for (const pool of [...this.#retiring.keys()]) pool.destroy();
  }

  #retire(pool: SessionPool): void {
    const empty = pool.retire();
    this.#retiring.set(pool, empty);
    void empty.then(() => this.#retiring.delete(pool));
  }

  #sweep(): void {
    const now = performance.now();
    for (const pool of this.#pools.values()) pool.sweep(now);
    for (const pool of this.#retiring.keys()) pool.sweep(now);
  }
}
