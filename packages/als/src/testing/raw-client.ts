import { asBytes } from "@fenceline/wire/client";
import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { STREAM_V3 } from "../methods.ts";

/** A stream on which a test writes any bytes. */
export interface RawStream {
  write(bytes: Buffer): void;
  end(): void;
  cancel(): void;
  /** Resolves when the server has ended the call: undefined for OK. */
  readonly ended: Promise<ServiceError | undefined>;
}

/** Streams to a server on loopback over one connection. `close` it. */
export function rawClient(port: number): { open(path?: string, headers?: Record<string, string>): RawStream; close(): void } {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), { "grpc.enable_retries": 0 });
  return {
    open(path = STREAM_V3, headers = {}) {
      const metadata = new Metadata();
      for (const [key, value] of Object.entries(headers)) metadata.set(key, value);
      const { promise, resolve } = Promise.withResolvers<ServiceError | undefined>();
      const call = client.makeClientStreamRequest(path, asBytes, asBytes, metadata, (error) => resolve(error ?? undefined));
      call.on("error", () => undefined);
      return { write: (bytes) => void call.write(bytes), end: () => call.end(), cancel: () => call.cancel(), ended: promise };
    },
    close: () => client.close(),
  };
}
