import type { PauseLimits } from "@fenceline/api/vocabulary";
import { Client, credentials, Metadata } from "@grpc/grpc-js";

/** Pauses between two attempts to connect to a server. */
export const RECONNECT: PauseLimits = { first: 100, longest: 5_000 };

/** Messages pass through gRPC as bytes: our own reader and writer know what is in them. */
export const asBytes = (bytes: Buffer): Buffer => bytes;

/** A server that is not ours, and is called over TLS. */
export interface TlsServer {
  /** PEM of the certificates against which its own is checked. */
  readonly roots: Buffer;
  /** Name in its certificate. */
  readonly serverName: string;
  /** Largest message of the server, in bytes. */
  readonly mostBytes: number;
}

/**
 * A client of a server, `host:port` or any gRPC target. It never retries: only the caller knows
 * what was lost.
 *
 * @param tls undefined for a server of ours: Istio's proxies encrypt the connection
 */
export function grpcClient(target: string, { first, longest }: PauseLimits = RECONNECT, tls?: TlsServer): Client {
  return new Client(target, tls === undefined ? credentials.createInsecure() : credentials.createSsl(tls.roots), {
    ...(tls !== undefined && {
      "grpc.ssl_target_name_override": tls.serverName,
      "grpc.default_authority": tls.serverName,
      "grpc.max_receive_message_length": tls.mostBytes,
    }),
    "grpc.initial_reconnect_backoff_ms": first,
    "grpc.max_reconnect_backoff_ms": longest,
    // With a retry buffer a message would count as sent while it still waits there, and the buffer
    // holds another megabyte.
    "grpc.enable_retries": 0,
    "grpc.per_rpc_retry_buffer_size": 0,
    "grpc.keepalive_time_ms": 30_000,
    "grpc.keepalive_timeout_ms": 10_000,
    "grpc.enable_channelz": 0,
  });
}

/**
 * Metadata of a call with these fields. The channel's own back-off decides when to connect: without
 * `waitForReady` every attempt while the server is away would fail at once.
 *
 * @param waitForReady false for a caller that wants the reason of a failure, and waits by itself
 */
export function callMetadata(headers: Readonly<Record<string, string>>, waitForReady = true): Metadata {
  const metadata = new Metadata({ waitForReady });
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return metadata;
}
