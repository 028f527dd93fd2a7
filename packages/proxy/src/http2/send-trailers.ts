import { constants, type Http2Stream, type IncomingHttpHeaders } from "node:http2";

const { NGHTTP2_INTERNAL_ERROR } = constants;

/** Sends trailers as they came; a stream whose trailers Node does not take is reset, so that it cannot be taken for complete. */
export function sendTrailers(stream: Http2Stream, trailers: IncomingHttpHeaders): void {
  try {
    stream.sendTrailers(trailers);
  } catch {
    stream.close(NGHTTP2_INTERNAL_ERROR);
  }
}
