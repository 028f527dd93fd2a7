import type { IncomingMessage } from "node:http";
import type { ReceivedRequest } from "../calls/request.ts";
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
