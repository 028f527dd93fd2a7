import type { Http2Session } from "node:http2";

/** `NGHTTP2_ERR_PROTO`, as Node hands it over. */
const PROTOCOL_ERROR = -505;
/** Milliseconds until something of ours must have been sent; a turn of the event loop is enough. */
const SEND_TIME = 50;
/** Milliseconds for the answer to the PING. The other end is known to be sending. */
const ANSWER_TIME = 2_000;

/**
 * Lets a session outlive what is an error of one stream (RFC 9113 §5.4.2).
 *
 * Node destroys a session, with every stream on it, on each frame that nghttp2 calls a protocol
 * error: also on DATA beyond a Content-Length or behind a 204, for which nghttp2 resets that stream
 * and goes on (§8.1.1), and on an ALTSVC that is to be ignored (RFC 7838 §4). Nothing tells the two
 * apart, but that nghttp2 sends and reads no more once it has ended a connection. So the other end
 * is asked: with its answer to a PING the session lives on.
 */
export function outliveStreamErrors(session: Http2Session): void {
  const { destroy } = session;
  let isAsked = false;
  session.destroy = (error, code) => {
    if (session.destroyed || !isProtocolError(error)) {
      destroy.call(session, error, code);
      return;
    }
    if (isAsked) return;
    isAsked = true;
    // Not within nghttp2's call.
    setImmediate(() => {
      if (session.destroyed) return;
      ask(session, (lives) => {
        isAsked = false;
        if (!lives) destroy.call(session, error);
      });
    });
  };
}

function ask(session: Http2Session, told: (lives: boolean) => void): void {
  const { bytesWritten } = session.socket;
  let silent = setTimeout(() => {
    if (session.destroyed) return;
    if (session.socket.bytesWritten === bytesWritten) told(false);
    else silent = setTimeout(told, ANSWER_TIME, false);
  }, SEND_TIME);
  session.ping((failed) => {
    clearTimeout(silent);
    told(failed === null);
  });
}

function isProtocolError(error: unknown): error is Error {
  return error instanceof Error && "errno" in error && error.errno === PROTOCOL_ERROR;
}
