/**
 * Limits of a {@link GrpcHost}, for all services on its port. The defaults suit a collector with
 * some thousand Envoys.
 */
export interface HostLimits {
  /**
   * Largest message in bytes. A larger one ends its stream with RESOURCE_EXHAUSTED as soon as its
   * length is read. Default 256 KiB: Envoy flushes at 16 KiB (`buffer_size_bytes`) plus the one
   * entry that crosses it, and its first message adds about 60 KiB of node.
   */
  readonly maxMessageBytes: number;
  /**
   * Milliseconds from the first byte of a message to its last. Default 10 s. Time in which we do
   * not read the stream does not count.
   */
  readonly maxMessageMs: number;
  /**
   * Bytes that are held for all peers: unfinished messages, and what services keep of each stream.
   * Default 64 MiB.
   */
  readonly maxHeldBytes: number;
  /** The same for one peer. Default 16 MiB. */
  readonly maxHeldBytesPerPeer: number;
  /**
   * Streams in all. A further one is refused with RESOURCE_EXHAUSTED, unless a peer with more
   * streams can give one up. Default 20,000.
   */
  readonly maxStreams: number;
  /**
   * Streams of one peer, a certified identity or an address. Default 4,096: a thousand pods of one
   * service account with 4 worker threads each.
   */
  readonly maxStreamsPerPeer: number;
  /**
   * Streams on one connection. Default 128: each Envoy worker has its own connection, with one
   * stream per log name.
   */
  readonly maxStreamsPerConnection: number;
  /**
   * Streams that one connection may open, at once and per second. Default 512 and 64. A peer,
   * certified or an address, may open twice `maxStreamsPerPeer` at once and the same number per
   * second, over all of its connections. Beyond either limit its streams are refused. A connection
   * that goes on is closed, unless a second peer was seen on it: then it is a sidecar's, and others
   * share it.
   */
  readonly streamBurst: number;
  readonly streamRate: number;
  /**
   * Connections in all. A further one is closed at once, unless a peer with more of them can give
   * one up. Default 10,000, but at most a quarter of the process's open files, and of its memory at
   * 48 KiB for each.
   */
  readonly maxConnections: number;
  /**
   * Connections from one address without a certificate. Default 512. Behind Istio's sidecar all
   * come from 127.0.0.6, and show a certificate with the first stream. There, connections without a
   * call make room for others.
   */
  readonly maxConnectionsPerAddress: number;
  /**
   * Connections of one certified peer. Default 4,096, as for streams, but at most half of all.
   * Streams on a further one are refused.
   */
  readonly maxConnectionsPerPeer: number;
  /**
   * New connections of one address per second, with a burst of twice `maxConnectionsPerAddress`. A
   * further one is closed at once. The sidecar's address has no such rate. For a certified peer the
   * burst is twice `maxConnectionsPerPeer`, and streams on a further connection are refused.
   * Default 64: a client that is disconnected for a flood and connects again costs more than the
   * flood did.
   */
  readonly connectionRate: number;
  /**
   * Bytes that a connection may send beside its messages, at once and per second: headers, PING,
   * SETTINGS, WINDOW_UPDATE, padding, frames of unknown types. Beyond the limit the connection is
   * closed. For a certified peer, its streams are refused or ended instead. Default 128 KiB and 16
   * KiB. An Envoy sends some hundred bytes per stream.
   */
  readonly overheadBurst: number;
  readonly overheadRate: number;
  /**
   * PING and SETTINGS frames per second on one connection, with a burst of five times as many.
   * Default 20: gRPC keepalive sends one in ten seconds. Each frame of HEADERS and DATA in either
   * direction allows ten more: a bandwidth probe is one per round trip of DATA.
   */
  readonly maxControlFrames: number;
  /** Milliseconds that a connection may be open without a stream. Default 60 s. */
  readonly maxConnectionIdleMs: number;
  /**
   * The same for a connection of the sidecar in front of us, and for one without any stream so far.
   * Default 5 s: the sidecar would keep it for an hour after its client has disconnected, and opens
   * another one when it needs it.
   */
  readonly maxSidecarIdleMs: number;
  /**
   * Age in milliseconds, plus or minus a tenth, at which a connection is closed by GOAWAY. Default
   * 30 minutes: gRPC connections live for ever, so without it a new or restarted replica would get
   * no Envoys.
   */
  readonly maxConnectionAgeMs: number;
  /** Milliseconds in which a connection may finish its calls after that. Default 30 s. */
  readonly maxConnectionAgeGraceMs: number;
  /**
   * Milliseconds of silence after which the peer is pinged. Default 30 s: a node that lost power
   * leaves its connections half open.
   */
  readonly keepaliveMs: number;
  /**
   * Milliseconds without an answer to the ping after which the connection is closed. Default 10 s.
   */
  readonly keepaliveTimeoutMs: number;
}

export const DEFAULT_HOST_LIMITS: HostLimits = {
  maxMessageBytes: 256 * 1024,
  maxMessageMs: 10_000,
  maxHeldBytes: 64 * 1024 * 1024,
  maxHeldBytesPerPeer: 16 * 1024 * 1024,
  maxStreams: 20_000,
  maxStreamsPerPeer: 4_096,
  maxStreamsPerConnection: 128,
  streamBurst: 512,
  streamRate: 64,
  maxConnections: 10_000,
  maxConnectionsPerAddress: 512,
  maxConnectionsPerPeer: 4_096,
  connectionRate: 64,
  overheadBurst: 128 * 1024,
  overheadRate: 16 * 1024,
  maxControlFrames: 20,
  maxConnectionIdleMs: 60_000,
  maxSidecarIdleMs: 5_000,
  maxConnectionAgeMs: 30 * 60_000,
  maxConnectionAgeGraceMs: 30_000,
  keepaliveMs: 30_000,
  keepaliveTimeoutMs: 10_000,
};

/**
 * The limit that was exceeded. A closed set: it labels a metric.
 *
 * - `connections`, `address_connections`: a connection was closed at once
 * - `streams`, `peer_streams`: a stream was refused
 * - `peer_connections`: a stream was refused, since its peer has too many connections
 * - `displaced`: a stream or a connection was closed because its peer holds the most, and another
 *   peer needed room; or a connection without streams, for a new one of the same peer
 * - `stream_rate`: a stream was refused, or the connection was closed because it went on
 * - `control_frames`, `overhead`, `http2`: a connection was closed; `http2` by Node's own limits.
 *   `overhead` of a certified peer: a stream was refused or ended
 * - `message_size`, `message_time`, `compressed`, `framing`: a stream was ended for its message
 * - `peer_bytes`: a stream was ended because its peer holds too much
 * - `idle`: a stream or a connection was closed because nothing arrived; this is no fault
 */
export const HOST_LIMITS = [
  "connections",
  "address_connections",
  "peer_connections",
  "streams",
  "peer_streams",
  "displaced",
  "stream_rate",
  "control_frames",
  "overhead",
  "http2",
  "message_size",
  "message_time",
  "compressed",
  "framing",
  "peer_bytes",
  "idle",
] as const;
export type HostLimit = (typeof HOST_LIMITS)[number];
