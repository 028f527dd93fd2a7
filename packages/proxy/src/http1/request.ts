import type { IncomingMessage } from "node:http";
import type { ForwardedRequest, ReceivedRequest } from "../calls/request.ts";
import { Refusal } from "../refusals/refusal.ts";
import { isOfOtherProtocol } from "./other-protocols.ts";

const NOT_HTTP1 = new Refusal("REQUEST_MALFORMED", "the request is not HTTP/1.1 or HTTP/1.0");
const CODED_HTTP10 = new Refusal("REQUEST_MALFORMED", "Transfer-Encoding in HTTP/1.0");

/**
 * What is wrong with the version of a request that node:http's parser (llhttp) accepts. It accepts
 * HTTP/0.9 and 2.0, RTSP and ICE. It also accepts Transfer-Encoding in HTTP/1.0, which an
 * intermediary may not have known (RFC 9112 §6.1: the framing is faulty).
 */
export function versionFault(request: IncomingMessage): Refusal | undefined {
  const { httpVersionMajor, httpVersionMinor, headers } = request;
  if (httpVersionMajor !== 1 || isOfOtherProtocol(request)) return NOT_HTTP1;
  return httpVersionMinor === 0 && headers["transfer-encoding"] !== undefined ? CODED_HTTP10 : undefined;
}

/** The request in the form of the pipeline. */
export function receivedRequest({ method = "GET", url = "", rawHeaders }: IncomingMessage): ReceivedRequest {
  return { method, target: url, rawHeaders };
}

/**
 * The header of a request as it is sent, in latin1.
 *
 * Nothing is checked here: method, target and fields are from a request that llhttp accepted, so
 * none of them has a line end. Host comes first (RFC 9110 §7.2).
 *
 * @param chunked whether the body is sent in the chunked coding
 */
export function requestHead({ method, path, authority, headers }: ForwardedRequest, chunked: boolean): string {
  let text = `${method} ${path} HTTP/1.1\r\nhost: ${authority}\r\n`;
  for (let i = 0; i + 1 < headers.length; i += 2) text += `${headers[i]}: ${headers[i + 1]}\r\n`;
  return chunked ? `${text}transfer-encoding: chunked\r\n\r\n` : `${text}\r\n`;
}
