import { constants } from "node:http2";
import { classifyFailure, classifyNoConnection, type Failure } from "../calls/failure.ts";
import { UpstreamError } from "../calls/upstream-error.ts";
import { Refusal } from "../refusals/refusal.ts";

const { NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_HTTP_1_1_REQUIRED, NGHTTP2_PROTOCOL_ERROR } = constants;

/**
 * Why there is no session. Nothing was sent, so that the next endpoint may be tried, unless this
 * one said what all of them would say.
 */
export function classifyNoSession(error: Error): Failure {
  if (error instanceof UpstreamError && error.code === "INVALID") return NOT_HTTP2;
  return wasAccepted(error) ? { ...classifyFailure(error), unsent: true } : classifyNoConnection(error);
}

/** Whether the destination accepted the connection, and closed it before it said its SETTINGS. */
function wasAccepted(error: Error): boolean {
  if ("syscall" in error) return error.syscall !== "connect";
  return error instanceof UpstreamError && error.code === "CLOSED";
}

/**
 * Why a stream ended before an answer began.
 *
 * @param broken whether its connection broke; else the code is one that was sent
 */
export function refusalOfStream(code: number, broken: boolean): Refusal {
  if (broken) return CONNECTION_LOST;
  if (code === NGHTTP2_HTTP_1_1_REQUIRED) return WANTS_HTTP1;
  if (code === NGHTTP2_ENHANCE_YOUR_CALM) return TOO_MUCH;
  return code === NGHTTP2_PROTOCOL_ERROR ? INVALID_ANSWER : STREAM_RESET;
}

const NOT_HTTP2: Failure = {
  refusal: new Refusal("UPSTREAM_INVALID", "the destination does not speak HTTP/2, which the request came by"),
  unsent: false,
  broken: false,
};
const CONNECTION_LOST = new Refusal("UPSTREAM_RESET", "the destination closed the connection before it answered");
const STREAM_RESET = new Refusal("UPSTREAM_RESET", "the destination reset the stream before it answered");
/**
 * Node closes a stream with a header over the limit with the same code, and nothing tells the two
 * apart.
 */
const TOO_MUCH = new Refusal(
  "UPSTREAM_RESET",
  "the destination reset the stream with ENHANCE_YOUR_CALM, or its answer's header is too large",
);
const WANTS_HTTP1 = new Refusal("UPSTREAM_INVALID", "the destination wants HTTP/1.1 for this request, which came by HTTP/2");
const INVALID_ANSWER = new Refusal("UPSTREAM_INVALID", "the destination's answer is not valid HTTP/2");
