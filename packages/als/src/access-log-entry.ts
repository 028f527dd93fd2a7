import type { EnvoyNode } from "@fenceline/wire";

/**
 * An IP address, or the name without a path that a peer claims, and a port as on the wire (0 when
 * there is none, not checked against 65535).
 */
export interface SocketAddress {
  readonly address: string;
  readonly port: number;
}

/**
 * The fields that Fenceline reads of one `HTTPAccessLogEntry` or `TCPAccessLogEntry`
 * (envoy.data.accesslog v2 and v3, which have the same field numbers).
 */
export interface AccessLogEntry {
  readonly kind: "http" | "tcp";
  /** `outbound|80||b.test1.svc.cluster.local`, `PassthroughCluster`, …; empty when absent. */
  readonly upstreamCluster: string;
  /**
   * The original destination: Envoy's listeners see the address to which the application connected.
   * Undefined for pipes and internal addresses.
   */
  readonly downstreamLocalAddress: SocketAddress | undefined;
  /**
   * The connection's peer, which `x-forwarded-for` cannot change; the logical remote address if
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
   * Number of requests of the entry: 1, or the sum that the global sidecar wrote into the custom
   * tag `fenceline.requests`.
   */
  readonly requests: number;
  /** The request or connection had not ended when this was logged: another entry follows. */
  readonly intermediate: boolean;
  /** `x-request-id`, if it was requested and is there. */
  readonly requestId?: string;
}

/** The sender of a stream, and its log name. Envoy sends them only in the first message. */
export interface StreamIdentifier {
  readonly logName: string;
  readonly node: EnvoyNode;
}
