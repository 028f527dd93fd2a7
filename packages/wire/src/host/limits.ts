/**
 * Bounds of a {@link GrpcHost}. They hold for every service on its port. Every default suits a
 * collector that some thousand Envoys reach.
 */
export interface HostLimits {
  /**
   * Largest message in bytes. A larger one ends its stream with RESOURCE_EXHAUSTED as soon as its
   * length is read. Default 256 KiB: Envoy flushes at 16 KiB (`buffer_size_bytes`) plus the one
   * entry that crosses it, and its first message adds about 60 KiB of node.
   */
  readonly maxMessageBytes: number;
  /**
   * Milliseconds that a message may take from its first byte to its last. Default 10 s. Time in
   * which we do not read the stream does not count.
   */
  readonly maxMessageMs: number;
  /**
   * Bytes of unfinished messages, and of what streams say of themselves, that are held for all
   * peers. Default 64 MiB.
   */
  readonly maxHeldBytes: number;
  /** The same for one peer. Default 16 MiB. */
  readonly maxHeldBytesPerPeer: number;
  /**
   * Streams in all. One more is refused with RESOURCE_EXHAUSTED, unless a peer with more streams
   * can give one up. Default 20,000.
   */
  readonly maxStreams: number;
  /**
   * Streams of one peer, a certified identity or an address. Default 4,096: as many as a thousand
   * pods of one service account with 4 worker threads each.
   */
  readonly maxStreamsPerPeer: number;
  /**
   * Streams on one connection. Default 128: an Envoy worker has its own connection, and on it one
   * stream per log name.
   */
  readonly maxStreamsPerConnection: number;
  /**
   * Streams that one connection may open at once, and per second in the long run. Default 512 and
   * 64. A peer, be it certified or an address, may open twice `maxStreamsPerPeer` at once and as
   * many per second, over all of its connections. Beyond either its streams are refused. A
   * connection that goes on all the same is cut, unless a second peer was seen on it: then it is a
   * sidecar's, and others share it.
   */
  readonly streamBurst: number;
  readonly streamRate: number;
  /**
   * Connections in all; one more is closed at once, unless a peer with more of them can give one
   * up. Default 10,000, and never more than a quarter of the process's open files, nor of its
   * memory at 48 KiB for each.
   */
  readonly maxConnections: number;
  /**
   * Connections from one address that have not shown a certificate. Default 512. Behind Istio's
   * sidecar all come from 127.0.0.6, and show it with the first stream; those without a call make
   * room for others there.
   */
  readonly maxConnectionsPerAddress: number;
  /**
   * Connections of one certified peer. Default 4,096, as of streams, and never more than half of
   * all. Streams on one more are refused.
   */
  readonly maxConnectionsPerPeer: number;
  /**
   * New connections of one address per second in the long run, beside twice
   * `maxConnectionsPerAddress` at once; one more is closed at once. The sidecar's address has no
   * such rate. Of a certified peer twice
   * `maxConnectionsPerPeer` at once; streams on one more are refused. Default 64: whoever is cut
   * for a flood and comes again costs more than the flood did.
   */
  readonly connectionRate: number;
  /**
   * Bytes that a connection may send beyond those of its messages: headers, PING, SETTINGS,
   * WINDOW_UPDATE, padding, frames of unknown types. At once, and per second in the long run;
   * beyond it the connection is cut. Default 128 KiB and 16 KiB. An Envoy sends some hundred bytes
   * per stream. Of a certified peer the streams are refused or ended in place of that.
   */
  readonly overheadBurst: number;
  readonly overheadRate: number;
  /**
   * PING and SETTINGS frames per second on one connection, and five times as many at once. Default
   * 20: gRPC keepalive sends one in ten seconds. Ten more for each frame of HEADERS and DATA either
   * way: bandwidth probes are one per round trip of DATA.
   */
  readonly maxControlFrames: number;
  /** Milliseconds that a connection may stay without a stream. Default 60 s. */
  readonly maxConnectionIdleMs: number;
  /**
   * The same for one of the sidecar in front of us, and for one that has had no stream yet. Default
   * 5 s: the sidecar would keep it for an hour after its client has left, and opens another one
   * when it needs it.
   */
  readonly maxSidecarIdleMs: number;
  /**
   * Age in milliseconds, give or take a tenth, at which a connection is told to go away. Default 30
   * minutes: gRPC connections live for ever, so without it a new replica would get no Envoy, and a
   * restarted one would leave all of them with the others.
   */
  readonly maxConnectionAgeMs: number;
  /** How long a connection past its age may finish. Default 30 s. */
  readonly maxConnectionAgeGraceMs: number;
  /**
   * Silence in milliseconds after which the peer is pinged. Default 30 s: a node that lost power
   * leaves its connections half open.
   */
  readonly keepaliveMs: number;
  /** How long the ping may go unanswered. Default 10 s. */
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
 * Which limit was met. A closed set: it labels a metric.
 *
 * - `connections`, `address_connections`: a connection was closed at once
 * - `streams`, `peer_streams`: a stream was refused
 * - `peer_connections`: a stream was refused, since its peer has too many connections
 * - `displaced`: a stream or a connection was ended because its peer holds more than any other, and
 *   another peer needed room; or a connection without streams, for the peer's own next one
 * - `stream_rate`: a stream was refused, or a connection was cut that went on all the same
 * - `control_frames`, `overhead`, `http2`: a connection was cut; `http2` where Node's own limits
 *   did so. `overhead` of a certified peer: a stream was refused or ended
 * - `message_size`, `message_time`, `compressed`, `framing`: a stream was ended for its message
 * - `peer_bytes`: a stream was ended because its peer holds too much
 * - `idle`: a stream or a connection was closed because nothing came; no fault
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
