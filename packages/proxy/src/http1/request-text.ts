import type { ForwardedRequest } from "../calls/request.ts";

/**
 * The header of a request as it goes on the wire, latin1 as it came.
 *
 * Nothing is checked here: method, target and fields were taken from a request that llhttp
 * accepted, so none of them holds a line end. Host comes first (RFC 9110 §7.2).
 *
 * @param chunked whether the body goes in the chunked coding
 */
export function requestHead({ method, path, authority, headers }: ForwardedRequest, chunked: boolean): string {
  let text = `${method} ${path} HTTP/1.1\r\nhost: ${authority}\r\n`;
  for (let i = 0; i + 1 < headers.length; i += 2) text += `${headers[i]}: ${headers[i + 1]}\r\n`;
  return chunked ? `${text}transfer-encoding: chunked\r\n\r\n` : `${text}\r\n`;
}
