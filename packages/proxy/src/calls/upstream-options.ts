export interface UpstreamOptions {
  /**
   * Milliseconds for TCP to connect. Default 5000: inside a cluster a SYN is answered within
   * milliseconds or never.
   */
  readonly connectTimeout?: number;
  /**
   * Milliseconds until the answer's header must have come. Default 0, never: a fallback must not
   * cut a call that would finish on the direct way. The timeout of the caller, or of its Envoy,
   * still ends it. (Slime's proxy cut slow calls at 15 s.)
   */
  readonly headersTimeout?: number;
  /**
   * Milliseconds for which an idle connection is kept. Default 4000, below the 5 s of a Node
   * server, the shortest of the common ones. A destination's `Keep-Alive: timeout` shortens it.
   */
  readonly keepAliveTimeout?: number;
  /**
   * Most connections to one address. Default 1024, as in Envoy's default circuit breaker; further
   * requests wait.
   */
  readonly maxConnections?: number;
  /**
   * Most requests to one address that may wait for a connection. Default 1024, as in Envoy; further
   * ones get 503.
   */
  readonly maxWaiting?: number;
  /**
   * Most addresses with a pool. Default 4096; beyond it the least recently used pool is closed
   * after its requests have finished.
   */
  readonly maxPools?: number;
}

/** See {@link UpstreamOptions.connectTimeout}. */
export const DEFAULT_CONNECT_TIMEOUT = 5_000;
/** See {@link UpstreamOptions.maxWaiting}. */
export const DEFAULT_MAX_WAITING = 1_024;
/** See {@link UpstreamOptions.maxPools}. */
export const DEFAULT_MAX_POOLS = 4_096;

/** How often connections are checked, in milliseconds. */
export const SWEEP_INTERVAL = 1_000;
