import type { IncomingHttpHeaders } from "node:http2";

/** What a header field counts for beside its text (RFC 9113 §10.5.1). */
const FIELD_BYTES = 32;

/** At least what the fields take on the wire, whether the peer has packed them or not. */
export function headersSize(headers: IncomingHttpHeaders): number {
  let bytes = 0;
  for (const name in headers) bytes += name.length + String(headers[name] ?? "").length + FIELD_BYTES;
  return bytes;
}
