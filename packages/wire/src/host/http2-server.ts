import { createServer, type Http2Server, type ServerHttp2Session } from "node:http2";

/**
 * Largest header of a call, uncompressed. `x-forwarded-client-cert` with a chain has some
 * kilobytes.
 */
const MAX_HEADER_LIST_SIZE = 32 * 1024;
const MAX_HEADER_PAIRS = 64;
/** Harmless protocol errors after which Node closes the connection. */
const MAX_INVALID_FRAMES = 50;
/**
 * Resets at once and per second after which nghttp2 closes the connection (CVE-2023-44487), whoever
 * shares it: so many that it never does. A reset needs a stream, and streams are limited for each
 * connection, or for each peer that shares it.
 */
const RESETS = 1_000_000;
/**
 * Flow-control window of a connection, in bytes. Node acknowledges bytes of the connection at once,
 * so no stream blocks another: each has its own window of 64 KiB.
 */
const CONNECTION_WINDOW = 1024 * 1024;

/**
 * HTTP/2 for sockets that it gets by `emit("connection", socket)`. It does not listen on a port.
 */
export function createHttp2(maxConcurrentStreams: number, onSession: (session: ServerHttp2Session) => void): Http2Server {
  const server = createServer({
    settings: { maxConcurrentStreams, maxHeaderListSize: MAX_HEADER_LIST_SIZE, enablePush: false },
    maxHeaderListPairs: MAX_HEADER_PAIRS,
    maxSessionInvalidFrames: MAX_INVALID_FRAMES,
    streamResetBurst: RESETS,
    streamResetRate: RESETS,
  });
  server.on("session", (session) => {
    session.setLocalWindowSize(CONNECTION_WINDOW);
    // Otherwise Node ends our side when the peer has ended its own, and an answer of a stream until
    // then ends the process (ERR_INTERNAL_ASSERTION of JSStreamSocket). So the owner of the socket
    // ends it: its close ends the session.
    session.socket.allowHalfOpen = true;
    onSession(session);
  });
  server.on("sessionError", () => {});
  return server;
}
