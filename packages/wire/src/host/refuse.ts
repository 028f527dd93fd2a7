import { constants, type IncomingHttpHeaders, type OutgoingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import { isGrpc } from "../is-grpc.ts";

/**
 * Refuses a stream with as little work as possible, because a flood of new streams costs little
 * else. An answer costs less than a reset with its own code, for which Node makes an error.
 */
export function refuse(stream: ServerHttp2Stream, answer: OutgoingHttpHeaders): void {
  if (stream.destroyed || stream.closed) return;
  stream.respond(answer, { endStream: true });
  stream.close(constants.NGHTTP2_NO_ERROR);
}

/** The HTTP status for a request that is not a gRPC call; undefined for a call. */
export function httpRefusal(headers: IncomingHttpHeaders): number | undefined {
  if (headers[":method"] !== "POST") return 405;
  return isGrpc(headers["content-type"]) ? undefined : 415;
}

export function refuseHttp(stream: ServerHttp2Stream, status: number): void {
  if (stream.closed) return;
  stream.respond({ ":status": status }, { endStream: true });
  stream.resume();
}

/**
 * Whether messages may be compressed. The header is enough: some clients set the flag only on later
 * messages.
 */
export function isCompressed(headers: IncomingHttpHeaders): boolean {
  const encoding = headers["grpc-encoding"];
  return encoding !== undefined && encoding !== "identity";
}
