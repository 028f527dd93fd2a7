import { LRUCache } from "lru-cache";
import type { Address } from "../resolve/resolver.ts";
import { Pool, type Waiter } from "./pool.ts";

export interface UpstreamOptions {
  /** Milliseconds for TCP to connect. Default 5000: inside a cluster a SYN is answered in milliseconds or never. */
  readonly connectTimeout?: number;
  /**
   * Milliseconds until the answer's header must be there. Default 0, never: a fallback must not cut a call that the direct way would have
   * let finish; the caller's own timeout, or its Envoy's, still ends it. (Slime's proxy cut slow calls at 15 s.)
   */
  readonly headersTimeout?: number;
  /**
   * Milliseconds that an idle connection is kept. Default 4000, below the 5 s of a Node server, the shortest of the common ones. A destination's
   * `Keep-Alive: timeout` shortens it.
   */
  readonly keepAliveTimeout?: number;
  /** Connections to one address. Default 1024, as in Envoy's default circuit breaker; requests beyond it wait. */
  readonly maxConnections?: number;
  /** Requests to one address that may wait for a connection. Default 1024, as in Envoy; those beyond it get 503. */
  readonly maxWaiting?: number;
  /** Addresses with a pool. Default 4096; beyond it the least recently used pool is closed, which lets its requests finish. */
  readonly maxPools?: number;
}

/** See {@link UpstreamOptions.connectTimeout}. */
export const DEFAULT_CONNECT_TIMEOUT = 5_000;

/** How often idle connections are looked through, in milliseconds. */
const SWEEP_INTERVAL = 1_000;

/** One pool of HTTP/1.1 connections per address and port, least recently used first out. */
export class UpstreamPools {
  readonly #pools: LRUCache<string, Pool>;
  readonly #retiring = new Map<Pool, Promise<void>>();
  readonly #options: Required<Omit<UpstreamOptions, "maxPools">>;
  readonly #sweeper: NodeJS.Timeout;

  constructor({ maxPools = 4_096, ...options }: UpstreamOptions = {}) {
    this.#options = {
      connectTimeout: options.connectTimeout ?? DEFAULT_CONNECT_TIMEOUT,
      headersTimeout: options.headersTimeout ?? 0,
      keepAliveTimeout: options.keepAliveTimeout ?? 4_000,
      maxConnections: options.maxConnections ?? 1_024,
      maxWaiting: options.maxWaiting ?? 1_024,
    };
    this.#pools = new LRUCache({ max: maxPools, dispose: (pool) => this.#retire(pool) });
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_INTERVAL).unref();
  }

  /** Addresses with a pool. */
  get size(): number {
    return this.#pools.size;
  }

  /** Hands a connection to the address to the waiter, at once where one is idle. */
  acquire(address: Address, waiter: Waiter): void {
    let pool = this.#pools.get(address.origin);
    if (pool === undefined) {
      pool = new Pool(address, this.#options);
      this.#pools.set(address.origin, pool);
    }
    pool.acquire(waiter);
  }

  /** Waits for exchanges under way, then closes every connection. */
  async close(): Promise<void> {
    clearInterval(this.#sweeper);
    this.#pools.clear();
    await Promise.all(this.#retiring.values());
  }

  /** Closes every connection now. */
  destroy(): void {
    this.#pools.clear();
    for (const pool of [...this.#retiring.keys()]) pool.destroy();
  }

  #retire(pool: Pool): void {
    const empty = pool.retire();
    this.#retiring.set(pool, empty);
    void empty.then(() => this.#retiring.delete(pool));
  }

  #sweep(): void {
    const now = performance.now();
    for (const pool of this.#pools.values()) pool.sweep(now);
  }
}
