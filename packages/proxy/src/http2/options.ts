/** How HTTP/2 is spoken, with clients and with destinations. */
export interface Http2Options {
  /**
   * Streams that a client may have open on one connection. Default 1000, and not the 100 that many
   * servers take: until it has our SETTINGS an Envoy opens as many as it likes on a new connection,
   * and those beyond the limit are refused. Measured: of a burst of 300 by way of an Envoy, 200 got
   * 503.
   */
  readonly maxConcurrentStreams?: number;
  /**
   * Streams on one connection that may be reset within a second of their beginning and before an
   * answer began, at once. Default 500. Each answer that came to its end forgives one. See
   * {@link resetRate}.
   */
  readonly resetBurst?: number;
  /**
   * The same per second, in the long run. Default 100. Beyond it the connection gets GOAWAY with
   * ENHANCE_YOUR_CALM (CVE-2023-44487).
   */
  readonly resetRate?: number;
  /**
   * PING and SETTINGS frames that a client may send on one connection at once, and a second.
   * Default 500. Ten more for each frame of HEADERS and DATA that it sends or is sent. Beyond it
   * the connection gets GOAWAY with ENHANCE_YOUR_CALM.
   */
  readonly maxControlFrames?: number;
  /**
   * Milliseconds that a client may take no byte of an answer that waits for it. Default 300000, as
   * in Envoy. Beyond it the stream is reset. Where for as long again nothing at all can be sent,
   * not even the reset, the connection is closed.
   */
  readonly stallTimeout?: number;
  /**
   * Milliseconds that a destination may take no byte of an upload whose answer has ended and whose
   * client is done. Default 5000. Beyond it the stream is reset: nobody waits for it.
   */
  readonly uploadTimeout?: number;
  /**
   * Connections to one address. Default 16, each with as many streams as the destination allows.
   */
  readonly maxSessions?: number;
  /** Milliseconds that a connection to a destination is kept without a stream. Default 60000. */
  readonly idleTimeout?: number;
  /**
   * Milliseconds of silence on a connection with open streams until the destination gets a PING.
   * Default 30000.
   */
  readonly pingAfter?: number;
  /**
   * Milliseconds for the answer to that PING. Default 15000. Beyond it the connection is taken for
   * dead.
   */
  readonly pingTimeout?: number;
}

/**
 * Names and values of a header, together: a little above MAX_HEADER_FIELDS, so that it is the
 * pipeline that refuses, with 431 and words.
 */
export const MAX_HEADER_PAIRS = 1_100;
/** Bytes of a header, uncompressed (RFC 9113 §6.5.2). As much as over HTTP/1.1. */
export const MAX_HEADER_LIST_SIZE = 64 * 1024;
/**
 * Bytes of a header that is sent, by nghttp2's pessimistic count: room for all that was received
 * and the few fields that are added.
 */
export const MAX_SENT_HEADER = 2 * MAX_HEADER_LIST_SIZE;
/**
 * None. Node counts frames that nghttp2 takes for invalid, and DATA that is empty, over the whole
 * life of a connection, so that any limit would end one that lives long enough. Invalid frames
 * reset their stream, or end the connection, and both are counted by themselves; for empty ones see
 * FrameBudget.
 */
export const MAX_INVALID_FRAMES = 2 ** 32 - 1;
/**
 * Megabytes that Node lets one connection hold; none. What waited to be sent on a stream that is
 * reset is never taken off its count again (as of 24.21), so that any limit would end a connection
 * that lives long enough: with Node's own of 10 MB the 740th upload that was answered early. What a
 * connection holds is bounded by its streams, each with a window's worth on either way, and by the
 * size of a header.
 */
export const MAX_SESSION_MEMORY = 1_000_000;
/**
 * Bytes that a peer may send on one connection without hearing from us. Node takes them off the
 * connection's window at once, so no stream holds up another.
 */
export const CONNECTION_WINDOW = 1024 * 1024;
