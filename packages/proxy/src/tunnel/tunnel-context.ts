import type { AttemptContext } from "../calls/attempts.ts";
import type { Lifecycle } from "../calls/lifecycle.ts";

export interface TunnelOptions {
  /**
   * Milliseconds without a byte in either direction, after which a tunnel is closed. Default 0,
   * never: the direct way would not close it either, and TCP keep-alive notices a peer that
   * vanished.
   */
  readonly idleTimeout?: number;
  /**
   * Port that TLS connections are forwarded to, since a ClientHello names a host without one.
   * Default 443.
   */
  readonly tlsPort?: number;
}

/** What all tunnels share. */
export interface TunnelContext extends AttemptContext {
  readonly lifecycle: Lifecycle;
  /** Milliseconds for TCP to connect. */
  readonly connectTimeout: number;
  /** Milliseconds until the answer to an upgrade must be there; 0 for any time. */
  readonly headersTimeout: number;
  readonly idleTimeout: number;
}
