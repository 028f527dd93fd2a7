import type { IncomingMessage } from "node:http";
import type { ForwardedRequest, ReceivedRequest } from "../calls/request.ts";
import { Refusal } from "../refusals/refusal.ts";
import { isOfOtherProtocol } from "./other-protocols.ts";

const NOT_HTTP1 = new Refusal("REQUEST_MALFORMED", "the request is not HTTP/1.1 or HTTP/1.0");
const CODED_HTTP10 = new Refusal("REQUEST_MALFORMED", "Transfer-Encoding in HTTP/1.0");

/**
 * What is wrong with the version of a request that node:http's parser (llhttp) took: it takes
 * HTTP/0.9 and an announced 2.0 like any other, RTSP and ICE for HTTP, and Transfer-Encoding in
 * HTTP/1.0, where whoever handed the request on may not have known it (RFC 9112 §6.1: the framing
 * is faulty).
 */
export function versionFault(request: IncomingMessage): Refusal | undefined {
  const { httpVersionMajor, httpVersionMinor, headers } = request;
  if (httpVersionMajor !== 1 || isOfOtherProtocol(request)) return NOT_HTTP1;
  return httpVersionMinor === 0 && headers["transfer-encoding"] !== undefined ? CODED_HTTP10 : undefined;
}

/** The request as the pipeline takes it. */
export function receivedRequest({ method = "GET", url = "", rawHeaders }: IncomingMessage): ReceivedRequest {
  return { method, target: url, rawHeaders };
}

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
