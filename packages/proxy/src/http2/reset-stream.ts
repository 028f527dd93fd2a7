import type { Http2Stream } from "node:http2";

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
