import { type AddressUpdate, Backoff } from "@fenceline/api/vocabulary";
import { bearer } from "@fenceline/wire";
import { asBytes, callMetadata, grpcClient, RECONNECT } from "@fenceline/wire/client";
import type { ClientReadableStream } from "@grpc/grpc-js";
import { decodeAddressUpdate, WATCH_ADDRESSES } from "./codec.ts";

export interface AddressWatchOptions {
  /** The collector: `host:port`, or any gRPC target. */
  readonly target: string;
  /**
   * Returns our token for the collector. Called for each stream. What it throws is reported, and it
   * is tried again.
   */
  readonly token: () => string;
  readonly onUpdate: (update: AddressUpdate) => void;
  /** The stream ended, and will be opened again; for the log. */
  readonly onLost: (reason: string, retryInMs: number) => void;
}

/** A watch that goes on until it is closed. */
export interface AddressWatch {
  close(): void;
}

const REQUEST = Buffer.alloc(0);

/**
 * Watches the mesh's addresses at the collector. A stream that ends is opened again, and begins
 * with all addresses.
 */
export function watchMeshAddresses({ target, token, onUpdate, onLost }: AddressWatchOptions): AddressWatch {
  const backoff = new Backoff(RECONNECT);
  const client = grpcClient(target);
  let stream: ClientReadableStream<Buffer> | undefined;
  let retry: NodeJS.Timeout | undefined;
  let isClosed = false;

  function lost(reason: string): void {
    if (isClosed || retry !== undefined) return;
    stream = undefined;
    const pause = backoff.next();
    retry = setTimeout(open, pause).unref();
    onLost(reason, pause);
  }

  function take(bytes: Buffer): void {
    const update = decodeAddressUpdate(bytes);
    if (update === undefined) {
      // Half of the addresses would allow what the other half forbids.
      stream?.cancel();
      return;
    }
    backoff.reset();
    onUpdate(update);
  }

  function open(): void {
    retry = undefined;
    try {
      const opened = client.makeServerStreamRequest(WATCH_ADDRESSES, asBytes, asBytes, REQUEST, callMetadata(bearer(token())));
      stream = opened;
      // A failed stream emits both an end and an error. Only the first of them is about the open
      // stream.
      const over = (reason: string) => stream === opened && lost(reason);
      opened
        .on("data", (bytes: Buffer) => stream === opened && take(bytes))
        .on("error", (error) => over(error.message))
        .on("end", () => over("the collector ended the stream"));
    } catch (error) {
      lost(error instanceof Error ? error.message : String(error));
    }
  }

  open();
  return {
    close() {
      isClosed = true;
      clearTimeout(retry);
      stream?.cancel();
      client.close();
    },
  };
}
