import { constants, type ServerHttp2Stream, type ServerStreamResponseOptions } from "node:http2";

const { NGHTTP2_INTERNAL_ERROR } = constants;

/**
 * Sends the header of an answer. One that Node does not take resets its stream: nghttp2 has taken it from the destination, but the two check for
 * themselves, and what Node throws here, outside of any call of ours, would end the thread.
 *
 * @param head flat list of names and values
 * @returns whether it was sent
 */
export function respond(stream: ServerHttp2Stream, head: readonly string[], options: ServerStreamResponseOptions): boolean {
  try {
    stream.respond(head, options);
    return true;
  } catch {
    stream.close(NGHTTP2_INTERNAL_ERROR);
    return false;
  }
}
