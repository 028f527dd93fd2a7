import type { ServerOptions } from "@grpc/grpc-js";

/** Bounds of an access-log server. Every default suits a collector that some thousand Envoys reach. */
export interface AccessLogLimits {
  /** Largest message in bytes; a larger one ends its stream with RESOURCE_EXHAUSTED. Default 4 MiB: Envoy flushes at 16 KiB unless told otherwise. */
  readonly maxMessageBytes: number;
  /** Streams on one connection. Default 128: an Envoy worker has its own connection, and on it one stream per log name. */
  readonly maxStreamsPerConnection: number;
  /** Streams in all; one more is refused with RESOURCE_EXHAUSTED, and Envoy tries again, perhaps at another replica. Default 20,000. */
  readonly maxStreams: number;
  /**
   * Age in milliseconds, give or take a tenth, at which a connection is told to go away. Default 30 minutes: gRPC connections live for ever, so
   * without it a new replica would get no Envoy, and a restarted one would leave all of them with the others.
   */
  readonly maxConnectionAgeMs: number;
  /** How long a connection past its age may finish. Default 30 s. */
  readonly maxConnectionAgeGraceMs: number;
  /** Silence in milliseconds after which the peer is pinged. Default 30 s: a node that lost power leaves its connections half open. */
  readonly keepaliveMs: number;
  /** How long the ping may go unanswered. Default 10 s. */
  readonly keepaliveTimeoutMs: number;
}

export const DEFAULT_LIMITS: AccessLogLimits = {
  maxMessageBytes: 4 * 1024 * 1024,
  maxStreamsPerConnection: 128,
  maxStreams: 20_000,
  maxConnectionAgeMs: 30 * 60_000,
  maxConnectionAgeGraceMs: 30_000,
  keepaliveMs: 30_000,
  keepaliveTimeoutMs: 10_000,
};

/** The limits that grpc-js enforces itself, under its names. */
export function serverOptions(limits: AccessLogLimits): ServerOptions {
  return {
    "grpc.max_receive_message_length": limits.maxMessageBytes,
    "grpc.max_concurrent_streams": limits.maxStreamsPerConnection,
    "grpc.max_connection_age_ms": limits.maxConnectionAgeMs,
    "grpc.max_connection_age_grace_ms": limits.maxConnectionAgeGraceMs,
    "grpc.keepalive_time_ms": limits.keepaliveMs,
    "grpc.keepalive_timeout_ms": limits.keepaliveTimeoutMs,
    // Book-keeping per call for a debugging service that we do not offer.
    "grpc.enable_channelz": 0,
  };
}
