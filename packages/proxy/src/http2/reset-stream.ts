import { constants, type Http2Stream, type ServerHttp2Stream } from "node:http2";

const { NGHTTP2_NO_ERROR } = constants;

/**
 * Milliseconds until the next look at a stream whose client takes its answer slowly; twice as long
 * each time, up to the second of the two.
 */
const FIRST_LOOK = 10;
const SLOWEST_LOOK = 1_000;

/**
 * Resets a stream (RFC 9113 §6.4), so that the reset is sent.
 *
 * While the connection is written to, or read, Node puts a reset off until what waits is written.
 * When that was the last of the stream's own body, Node destroys the stream in the same moment, and
 * forgets the reset. nghttp2 goes on with a stream that Node does not know any more, and makes
 * empty DATA frames of it without an end: in a second the process has no memory left. So the stream
 * is destroyed in the check phase, when the reset has been handed to nghttp2.
 */
export function resetStream(stream: Http2Stream, code: number): void {
  if (stream.closed || stream.destroyed) return;
  const destroy = stream._destroy;
  stream._destroy = (error, done) => {
    setImmediate(() => destroy.call(stream, error, done));
  };
  stream.close(code);
}

/**
 * Resets a client's stream behind what was written to it. With NO_ERROR the answer is complete, and
 * the rest of the upload is not wanted (RFC 9113 §8.1); with another code it broke off, and what
 * came of it is delivered first, as it is to a client of the destination itself.
 *
 * nghttp2 sends a reset ahead of DATA, and Node asks for no trailers once `close` was called, so
 * that an early reset takes the end of the answer away: a gRPC caller then has no status. There is
 * no event for the last frame, so the stream is looked at: after the turn in which the answer
 * ended, when it is nearly always sent, and then at a slow pace, as long as the client takes its
 * time.
 */
export function closeWhenSent(stream: ServerHttp2Stream, code: number): void {
  setImmediate(closeIfSent, stream, code, FIRST_LOOK);
}

function closeIfSent(stream: ServerHttp2Stream, code: number, next: number): void {
  if (stream.destroyed || stream.closed) return;
  const sent = code === NGHTTP2_NO_ERROR ? stream.state.localClose === 1 : stream.writableLength === 0;
  if (sent) resetStream(stream, code);
  else setTimeout(closeIfSent, next, stream, code, Math.min(next * 2, SLOWEST_LOOK)).unref();
}
