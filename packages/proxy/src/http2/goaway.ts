import type { Http2Session } from "node:http2";

/**
 * Lets the streams that a GOAWAY of the peer covers finish, whatever its code (RFC 9113 §6.8).
 *
 * On a GOAWAY with an error code Node emits the event and then destroys the session with every
 * stream on it, answers under way among them. gRPC servers and Envoys send such codes for what a
 * connection has done so far, and go on with its streams. So Node's `destroy`, which comes within
 * the same call, becomes `close`: no new streams, and the connection ends with its last one. What
 * the GOAWAY does not cover, nghttp2 has closed by then.
 */
export function leaveStreamsAlive(session: Http2Session): void {
  session.on("goaway", (code: number) => {
    if (code === 0 || session.destroyed) return;
    const { destroy } = session;
    session.destroy = () => {
      session.destroy = destroy;
      session.close();
    };
  });
}
