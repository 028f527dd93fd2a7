import { constants, type ServerHttp2Stream } from "node:http2";
import type { Refusal } from "../refusals/refusal.ts";
import { describingFields, refusalBody, refusalFields } from "../refusals/refusal-answer.ts";
import type { Http2Request } from "./request.ts";
import { closeWhenSent } from "./reset-stream.ts";
import { HEADER_ONLY, WITH_BODY } from "./respond.ts";

const { NGHTTP2_NO_ERROR } = constants;

/**
 * What a gRPC client takes an HTTP status for, and what Envoy says in its place:
 * https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md
 */
const GRPC_STATUS: Readonly<Record<number, number>> = {
  400: 13, // INTERNAL
  404: 12, // UNIMPLEMENTED
  502: 14, // UNAVAILABLE
  503: 14,
  504: 14,
};
const GRPC_UNKNOWN = 2;

/**
 * Answers a stream with a refusal: one line of JSON, or for a gRPC caller a status without a
 * message (`Trailers-Only`).
 */
export function refuseStream(stream: ServerHttp2Stream, { method, grpc }: Http2Request, refusal: Refusal): void {
  if (stream.destroyed || stream.closed || stream.headersSent) return;
  if (grpc) {
    const status = GRPC_STATUS[refusal.status] ?? GRPC_UNKNOWN;
    const fields = [":status", "200", "content-type", "application/grpc", "grpc-status", String(status)];
    fields.push("grpc-message", percentEncoded(refusal.message), ...describingFields(refusal));
    stream.respond(fields, HEADER_ONLY);
  } else {
    const body = refusalBody(refusal);
    const fields = [":status", String(refusal.status), ...refusalFields(refusal, body)];
    stream.respond(fields, method === "HEAD" ? HEADER_ONLY : WITH_BODY);
    if (method !== "HEAD") stream.end(body);
  }
  // RFC 9113 §8.1: the answer is complete, the rest of the upload is not wanted.
  if (!stream.readableEnded) closeWhenSent(stream, NGHTTP2_NO_ERROR);
}

/**
 * `Percent-Byte` of https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md. Our messages
 * are ASCII, but names in them need not be.
 */
function percentEncoded(message: string): string {
  return message.replace(/[^\x20-\x24\x26-\x7e]/g, encodeURIComponent);
}
