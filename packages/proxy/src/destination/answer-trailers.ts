/**
 * Fields that must not come after the body of an answer, in either protocol (RFC 9110 §6.5.1): they
 * frame it, belong to one connection, or route or describe what was already handled. In HTTP/2 the
 * fields of a connection make an answer malformed (RFC 9113 §8.2.2): nghttp2 resets it earlier, but
 * for `http2-settings`, which it takes.
 */
export const NEVER_AN_ANSWER_TRAILER: ReadonlySet<string> = new Set([
  "content-length",
  "transfer-encoding",
  "connection",
  "trailer",
  "keep-alive",
  "proxy-connection",
  "proxy-authenticate",
  "proxy-authentication-info",
  "te",
  "upgrade",
  "http2-settings",
  "content-encoding",
  "content-type",
  "content-range",
  "host",
  "set-cookie",
]);
