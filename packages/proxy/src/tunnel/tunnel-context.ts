import type { AttemptContext } from "../calls/attempts.ts";
import type { Lifecycle } from "../calls/lifecycle.ts";

export interface TunnelOptions {
  /**
   * Milliseconds without a byte in either direction, after which a tunnel is closed. Default 0,
   * never: without the proxy it would not be closed either, and TCP keep-alive notices a dead peer.
   */
  readonly idleTimeout?: number;
  /**
   * Port to which TLS connections are forwarded, since a ClientHello names a host without a port.
   * Default 443.
   */
  readonly tlsPort?: number;
}

/** What all tunnels share. */
export interface TunnelContext extends AttemptContext {
  readonly lifecycle: Lifecycle;
  /** Milliseconds for TCP to connect. */
  readonly connectTimeout: number;
  /** Milliseconds until the answer to an upgrade must have arrived; 0: no limit. */
  readonly headersTimeout: number;
  readonly idleTimeout: number;
}
