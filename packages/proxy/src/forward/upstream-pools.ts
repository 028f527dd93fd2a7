import { LRUCache } from "lru-cache";
import { buildConnector, Pool } from "undici";
import type { Address } from "../resolve/resolver.ts";

export interface UpstreamOptions {
  /** Milliseconds for TCP to connect. Default 5000: inside a cluster a SYN is answered in milliseconds or never. */
  readonly connectTimeout?: number;
  /**
   * Milliseconds until the answer's header must be there. Default 0, never: a fallback must not cut a call that the direct way would have
   * let finish; the caller's own timeout, or its Envoy's, still ends it. (Slime's proxy cut slow calls at 15 s.)
   */
  readonly headersTimeout?: number;
  /** Milliseconds that an idle connection is kept. Default 4000, below the 5 s of a Node server, the shortest of the common ones. */
  readonly keepAliveTimeout?: number;
  /** Connections to one address. Default 1024, as in Envoy's default circuit breaker; requests beyond it wait. */
  readonly maxConnections?: number;
  /** Addresses with a pool. Default 4096; beyond it the least recently used pool is closed, which lets its requests finish. */
  readonly maxPools?: number;
}

export interface UpstreamPools {
  get(address: Address): Pool;
  /** Whether the connection that broke with this error had answered before, so that it was one kept alive. */
  wasKeptAlive(error: Error): boolean;
  /** Waits for requests in flight, then closes every connection. */
  close(): Promise<void>;
  /** Closes every connection now. */
  destroy(): Promise<void>;
}

/** Header of an answer, in bytes. As large as the one that the listener takes. */
const MAX_HEADER_SIZE = 64 * 1024;
/** TCP keep-alive probes after this many milliseconds, so that a peer that vanished is noticed on a call without timeout. */
const TCP_KEEP_ALIVE_DELAY = 60_000;

/** One undici pool per address and port, least recently used first out. */
export function createUpstreamPools(options: UpstreamOptions = {}): UpstreamPools {
  const { connectTimeout = 5_000, headersTimeout = 0, keepAliveTimeout = 4_000, maxConnections = 1_024, maxPools = 4_096 } = options;
  const connectTcp = buildConnector({ timeout: connectTimeout, allowH2: false, keepAliveInitialDelay: TCP_KEEP_ALIVE_DELAY });
  const keptAlive = new WeakSet<Error>();
  const closing = new Set<Promise<void>>();

  /** undici's error does not say whether its connection was fresh; the socket knows how much it has read. */
  const connect: buildConnector.connector = ({ hostname, protocol, port }, callback) => {
    connectTcp({ hostname, protocol, port }, (...[error, socket]) => {
      if (error !== null) {
        callback(error, null);
        return;
      }
      socket.on("error", (failure: Error) => {
        if (socket.bytesRead > 0) keptAlive.add(failure);
      });
      callback(null, socket);
    });
  };

  function retire(pool: Pool): void {
    const closed = pool.close().catch(() => {});
    closing.add(closed);
    void closed.then(() => closing.delete(closed));
  }

  const pools = new LRUCache<string, Pool>({ max: maxPools, dispose: retire });

  return {
    get({ origin }) {
      let pool = pools.get(origin);
      if (pool === undefined) {
        pool = new Pool(origin, {
          connect,
          connections: maxConnections,
          // HTTP/1.1 pipelining would let one slow answer hold up others.
          pipelining: 1,
          headersTimeout,
          bodyTimeout: 0,
          keepAliveTimeout,
          maxHeaderSize: MAX_HEADER_SIZE,
        });
        pools.set(origin, pool);
      }
      return pool;
    },
    wasKeptAlive: (error) => keptAlive.has(error),
    async close() {
      pools.clear();
      await Promise.all(closing);
    },
    async destroy() {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()));
      pools.clear();
    },
  };
}
