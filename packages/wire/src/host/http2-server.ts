import { createServer, type Http2Server, type ServerHttp2Session } from "node:http2";

/**
 * Longest header of a call, uncompressed, and most fields. `x-forwarded-client-cert` with a chain
 * has some kilobytes.
 */
const MAX_HEADER_LIST_SIZE = 32 * 1024;
const MAX_HEADER_PAIRS = 64;
/** Frames that break the protocol without harm; beyond it Node ends the connection. */
const MAX_INVALID_FRAMES = 50;
/**
 * Resets at once and per second, beyond which nghttp2 ends the connection (CVE-2023-44487), whoever
 * shares it: so many that it never does. A reset needs a stream, and those are counted, of each
 * connection or of each peer that shares it.
 */
const RESETS = 1_000_000;
/**
 * Bytes that a client may send on one connection without hearing from us. Node takes them off the
 * connection's window at once, so no stream holds up another: each is held up by its own 64 KiB.
 */
const CONNECTION_WINDOW = 1024 * 1024;

/**
 * HTTP/2 for sockets that are handed to it by `emit("connection", socket)`. It listens on no port.
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
    // Else Node ends our side when the peer has ended its own, and an answer that a stream gives
    // until that is done ends the process (ERR_INTERNAL_ASSERTION of JSStreamSocket). Whoever hands
    // in the socket ends it instead: its close ends the session.
    session.socket.allowHalfOpen = true;
    onSession(session);
  });
  server.on("sessionError", () => {});
  return server;
}
