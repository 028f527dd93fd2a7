/**
 * Fields that must not come after the body of an answer, in either protocol (RFC 9110 §6.5.1): they
 * frame it, belong to one connection, or route or describe what was already acted on.
 */
export const NEVER_AN_ANSWER_TRAILER: ReadonlySet<string> = new Set([
  "content-length",
  "transfer-encoding",
  "connection",
  "trailer",
  "keep-alive",
  "proxy-connection",
  "proxy-authenticate",
  "te",
  "upgrade",
  "http2-settings",
  "content-encoding",
  "content-type",
  "content-range",
  "host",
  "set-cookie",
]);
