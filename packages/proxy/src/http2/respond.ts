import {
  constants,
  type Http2Stream,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
  type ServerStreamResponseOptions,
} from "node:http2";
import { resetStream } from "./reset-stream.ts";

const { NGHTTP2_INTERNAL_ERROR } = constants;

/**
 * Node takes this, though its types do not say so. A Date that the destination did not send is not
 * ours to make up: caches would reckon with it.
 */
interface RespondOptions extends ServerStreamResponseOptions {
  readonly sendDate: false;
}

/** Statuses whose answers have no content (RFC 9110 §15.3.5, §15.3.6, §15.4.5). Node sends none. */
export const NO_CONTENT: ReadonlySet<number> = new Set([204, 205, 304]);
/** An answer that is its header alone. */
export const HEADER_ONLY: RespondOptions = { endStream: true, sendDate: false };
/** An answer with a body, and surely no trailers: its end stands on the last DATA frame. */
export const WITH_BODY: RespondOptions = { sendDate: false };
/** An answer whose trailers follow its body, or may. */
export const WITH_TRAILERS: RespondOptions = { waitForTrailers: true, sendDate: false };

/**
 * Sends the header of an answer. One that Node does not take resets its stream: nghttp2 has taken
 * it from the destination, but the two check for themselves, and what Node throws here, outside of
 * any call of ours, would end the thread.
 *
 * @param head flat list of names and values
 * @returns whether it was sent
 */
export function respond(stream: ServerHttp2Stream, head: readonly string[], options: RespondOptions): boolean {
  try {
    stream.respond(head, options);
    return true;
  } catch {
    resetStream(stream, NGHTTP2_INTERNAL_ERROR);
    return false;
  }
}

/** Sends an interim answer. @returns false where Node does not take a field */
export function sendInterim(stream: ServerHttp2Stream, fields: OutgoingHttpHeaders): boolean {
  try {
    stream.additionalHeaders(fields);
    return true;
  } catch {
    return false;
  }
}

/**
 * Sends trailers as they came; a stream whose trailers Node does not take is reset, so that it
 * cannot be taken for complete.
 */
export function sendTrailers(stream: Http2Stream, trailers: OutgoingHttpHeaders): void {
  try {
    stream.sendTrailers(trailers);
  } catch {
    resetStream(stream, NGHTTP2_INTERNAL_ERROR);
  }
}
