import { constants, type IncomingHttpHeaders, type OutgoingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import { isGrpc } from "../is-grpc.ts";

/**
 * Refuses a stream with as little work as can be: a flood of new streams costs nothing else. An
 * answer costs less than a reset with a code of its own, for which Node makes an error.
 */
export function refuse(stream: ServerHttp2Stream, answer: OutgoingHttpHeaders): void {
  if (stream.destroyed || stream.closed) return;
  stream.respond(answer, { endStream: true });
  stream.close(constants.NGHTTP2_NO_ERROR);
}

/** The HTTP status for a request that is no call of gRPC; undefined for a call. */
export function httpRefusal(headers: IncomingHttpHeaders): number | undefined {
  if (headers[":method"] !== "POST") return 405;
  return isGrpc(headers["content-type"]) ? undefined : 415;
}

export function refuseHttp(stream: ServerHttp2Stream, status: number): void {
  if (stream.closed) return;
  stream.respond({ ":status": status }, { endStream: true });
  stream.resume();
}

/** Looked at before the first message: some clients set the flag of a message only later. */
export function isCompressed(headers: IncomingHttpHeaders): boolean {
  const encoding = headers["grpc-encoding"];
  return encoding !== undefined && encoding !== "identity";
}
