import type { PauseLimits } from "@fenceline/api/vocabulary";
import { Client, credentials, Metadata } from "@grpc/grpc-js";

/** Pauses before a server is called again. */
export const RECONNECT: PauseLimits = { first: 100, longest: 5_000 };

/** Messages pass through gRPC as bytes: our own reader and writer know what is in them. */
export const asBytes = (bytes: Buffer): Buffer => bytes;

/**
 * A client of one of our servers, `host:port` or any gRPC target. It never retries: only its caller
 * knows what was lost.
 */
export function grpcClient(target: string, { first, longest }: PauseLimits = RECONNECT): Client {
  return new Client(target, credentials.createInsecure(), {
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
 */
export function callMetadata(headers: Readonly<Record<string, string>>): Metadata {
  const metadata = new Metadata({ waitForReady: true });
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return metadata;
}
