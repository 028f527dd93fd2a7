import type { Http2Session } from "node:http2";

/**
 * Lets the streams that a GOAWAY of the peer covers finish, whatever its code (RFC 9113 §6.8), as
 * if none had come. What it does not cover, nghttp2 has closed by then. The caller closes the
 * session behind its last stream.
 *
 * Node emits the event and then, within the same call, destroys the session if there is a code,
 * with every stream on it. gRPC servers and Envoys send such codes for what a connection has done
 * so far, and go on with its streams.
 *
 * Without a code Node closes the session, which is no better while there are streams: it says
 * GOAWAY for it, and from then on (as of 24.21) it is deaf to an nghttp2 that ends a connection for
 * what the peer did wrong. nghttp2 neither reads nor sends any more, and the connection would stay
 * for ever, with its streams, and even when the peer has left. Nor is a PING sent on a closed
 * session.
 *
 * @param hasStreams whether there is a stream to wait for; without any the session closes now
 */
export function leaveStreamsAlive(session: Http2Session, hasStreams: () => boolean): void {
  session.on("goaway", (code: number) => {
    if (session.destroyed || session.closed) return;
    const { close, destroy } = session;
    const end = () => {
      Object.assign(session, { close, destroy });
      if (!hasStreams()) session.close();
    };
    if (code === 0) session.close = end;
    else session.destroy = end;
  });
}
