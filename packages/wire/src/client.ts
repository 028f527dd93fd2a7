import type { PauseLimits } from "@fenceline/api/vocabulary";
import { Client, credentials, Metadata } from "@grpc/grpc-js";

/** Pauses before a server is called again. */
export const RECONNECT: PauseLimits = { first: 100, longest: 5_000 };

/** Messages pass through gRPC as bytes: our own reader and writer know what is in them. */
export const asBytes = (bytes: Buffer): Buffer => bytes;

/** A server that is not one of ours, and is called by TLS. */
export interface TlsServer {
  /** PEM of the certificates that its own is checked by. */
  readonly roots: Buffer;
  /** Name in its certificate. */
  readonly serverName: string;
  /** Most bytes that a message of it may have. */
  readonly mostBytes: number;
}

/**
 * A client of a server, `host:port` or any gRPC target. It never retries: only its caller knows
 * what was lost.
 *
 * @param tls undefined for one of ours: Istio's proxies encrypt what they say to each other
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
    // A retry buffer would call a message sent that merely waits in it, and hold another megabyte.
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
 * @param waitForReady false for a caller who wants to know why it fails, and waits by itself
 */
export function callMetadata(headers: Readonly<Record<string, string>>, waitForReady = true): Metadata {
  const metadata = new Metadata({ waitForReady });
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return metadata;
}
