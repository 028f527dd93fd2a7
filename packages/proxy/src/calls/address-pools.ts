import { LRUCache } from "lru-cache";
import type { Address } from "../resolve/resolver.ts";

/** Connections of one protocol to one address. */
export interface AddressPool<Waiter> {
  /** Gives the waiter a connection, at once where one has room. */
  acquire(waiter: Waiter): void;
  /**
   * The waiter does not want a connection any more. Does nothing where it does not wait for one.
   */
  leave(waiter: Waiter): void;
  /** Whether the waiter is in line, because there is no room for another connection. */
  waitsInLine(waiter: Waiter): boolean;
  /** Closes what has been idle for too long. @param now milliseconds of a monotonic clock */
  sweep(now: number): void;
  /** Lets what is under way finish. Resolves when no connection is left. */
  retire(): Promise<void>;
  /** Closes every connection now. */
  destroy(): void;
}

export interface AddressPoolsOptions {
  /** Addresses with a pool; beyond it the least recently used pool is retired. */
  readonly maxPools: number;
  /** How often connections are looked through, in milliseconds. */
  readonly sweepInterval: number;
}

/** One pool per address and port, least recently used first out. */
export class AddressPools<Waiter> {
  readonly #pools: LRUCache<string, AddressPool<Waiter>>;
  readonly #retiring = new Map<AddressPool<Waiter>, Promise<void>>();
  readonly #make: (address: Address) => AddressPool<Waiter>;
  readonly #sweeper: NodeJS.Timeout;

  /** @param make makes the pool of an address that has none */
  constructor(make: (address: Address) => AddressPool<Waiter>, { maxPools, sweepInterval }: AddressPoolsOptions) {
    this.#make = make;
    this.#pools = new LRUCache({ max: maxPools, dispose: (pool) => this.#retire(pool) });
    this.#sweeper = setInterval(() => this.#sweep(), sweepInterval).unref();
  }

  /** Addresses with a pool. */
  get size(): number {
    return this.#pools.size;
  }

  /** Gives the waiter a connection to the address, at once where one has room. */
  acquire(address: Address, waiter: Waiter): void {
    let pool = this.#pools.get(address.origin);
    if (pool === undefined) {
      pool = this.#make(address);
      this.#pools.set(address.origin, pool);
    }
    pool.acquire(waiter);
  }

  /** A waiter that leaves frees its place. It may wait in a retired pool. */
  leave(address: Address, waiter: Waiter): void {
    this.#pools.peek(address.origin)?.leave(waiter);
    for (const pool of this.#retiring.keys()) pool.leave(waiter);
  }

  /** See {@link AddressPool.waitsInLine}. */
  waitsInLine(address: Address, waiter: Waiter): boolean {
    if (this.#pools.peek(address.origin)?.waitsInLine(waiter) === true) return true;
    return [...this.#retiring.keys()].some((pool) => pool.waitsInLine(waiter));
  }

  /** Waits for what is under way, then closes every connection. */
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

  #retire(pool: AddressPool<Waiter>): void {
    const empty = pool.retire();
    this.#retiring.set(pool, empty);
    void empty.then(() => this.#retiring.delete(pool));
  }

  /** Retiring pools too: a stream that never ends is still checked for a peer that is gone. */
  #sweep(): void {
    const now = performance.now();
    for (const pool of this.#pools.values()) pool.sweep(now);
    for (const pool of this.#retiring.keys()) pool.sweep(now);
  }
}
