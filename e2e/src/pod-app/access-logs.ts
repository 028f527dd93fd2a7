import { type EntryFields, encodeAccessLogMessage } from "@fenceline/als";
import { Client, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import type { AccessLogCall, GrpcAnswer } from "./protocol.ts";

const METHOD = "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs";
const asBytes = (bytes: Buffer): Buffer => bytes;

/**
 * Writes one message of access logs as whoever the call says, as an Envoy would, and ends the
 * stream. Returns how it ended.
 */
export function sendAccessLogs({ target, metadata = {}, entries, timeout = 10_000, ...identifier }: AccessLogCall): Promise<LogsAnswer> {
  const client = new Client(target, credentials.createInsecure());
  const fields = new Metadata();
  for (const [name, value] of Object.entries(metadata)) fields.set(name, value);
  const { promise, resolve } = Promise.withResolvers<LogsAnswer>();
  const ended = ({ code = status.OK, details = "" }: Partial<ServiceError>) => {
    client.close();
    resolve({ status: code, details });
  };
  const options = { deadline: Date.now() + timeout };
  const stream = client.makeClientStreamRequest(METHOD, asBytes, asBytes, fields, options, (error) => ended(error ?? {}));
  // A stream that was refused takes no more; how it ended is told by the callback.
  stream.on("error", () => {});
  stream.end(encodeAccessLogMessage({ identifier: { node: {}, ...identifier }, entries: entries as readonly EntryFields[] }));
  return promise;
}

/** How a stream of access logs ended. */
export type LogsAnswer = Pick<GrpcAnswer, "status" | "details">;
