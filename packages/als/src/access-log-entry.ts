import type { EnvoyNode } from "@fenceline/wire";

/**
 * An IP address, or the path-less name that a peer claims, and a port as it stood on the wire (0
 * when none, not checked against 65535).
 */
export interface SocketAddress {
  readonly address: string;
  readonly port: number;
}

/**
 * What Fenceline reads of one `HTTPAccessLogEntry` or `TCPAccessLogEntry` (envoy.data.accesslog v2
 * and v3, whose field numbers agree).
 */
export interface AccessLogEntry {
  readonly kind: "http" | "tcp";
  /** `outbound|80||b.test1.svc.cluster.local`, `PassthroughCluster`, …; empty when absent. */
  readonly upstreamCluster: string;
  /**
   * The original destination: Envoy's listeners see the address that the application dialled.
   * Undefined for pipes and internal addresses.
   */
  readonly downstreamLocalAddress: SocketAddress | undefined;
  /**
   * The connection's peer, which `x-forwarded-for` cannot change; the logical remote address when
   * Envoy gave only that.
   */
  readonly downstreamDirectRemoteAddress: SocketAddress | undefined;
  /** `:authority` or `Host`; empty for TCP. */
  readonly authority: string;
  /** HTTP status; 0 when there was no response. */
  readonly responseCode: number;
  /** Server name of the TLS handshake; empty when absent. */
  readonly sni: string;
  /** URIs of the peer certificate (SPIFFE ids), in the certificate's order. */
  readonly peerUris: readonly string[];
  /** Request header `fence-source`; empty when absent or not logged. */
  readonly fenceSource: string;
  /**
   * How many requests the entry stands for: 1, or what the global sidecar summed up in the custom
   * tag `fenceline.requests`.
   */
  readonly requests: number;
  /** The request or connection was still going on when this was logged: another entry follows. */
  readonly intermediate: boolean;
  /** `x-request-id`, where it was asked for and is there. */
  readonly requestId?: string;
}

/** Who writes a stream, and under which log name. Envoy sends it in the first message only. */
export interface StreamIdentifier {
  readonly logName: string;
  readonly node: EnvoyNode;
}
