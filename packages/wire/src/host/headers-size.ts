import type { IncomingHttpHeaders } from "node:http2";

/** Bytes that a header field counts beside its text (RFC 9113 §10.5.1). */
const FIELD_BYTES = 32;

/** At least the size of the fields on the wire, whether the peer has compressed them or not. */
export function headersSize(headers: IncomingHttpHeaders): number {
  let bytes = 0;
  for (const name in headers) bytes += name.length + String(headers[name] ?? "").length + FIELD_BYTES;
  return bytes;
}
