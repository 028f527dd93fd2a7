import type { ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { STATUS_CODES } from "./node-http.ts";
import type { Refusal } from "./refusal.ts";

/** Response header that carries the code of a refusal. Its presence tells an answer of the proxy from one of the destination. */
export const ERROR_HEADER = "fenceline-error";

/** RFC 9110 §15.5.6 demands `Allow` on a 405, and §9.3.7 wants it on the answer to an OPTIONS. Extension methods are forwarded too, but cannot be listed. */
const ALLOW = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/** Seconds. The load is looked at many times a second, so it need not be longer; and Retry-After knows no fractions. */
const RETRY_AFTER = "1";

/** Answers with a refusal: one line of JSON. The request body, if any, is read and thrown away by Node, so the connection stays usable. */
export function answerRefusal(response: ServerResponse, refusal: Refusal, keepAlive: boolean): void {
  const body = refusalBody(refusal);
  const headers = refusalFields(refusal, body);
  if (!keepAlive) {
    headers.push("connection", "close");
    // node:http does not conclude it from the field; the listener goes by it.
    response.shouldKeepAlive = false;
  }
  response.writeHead(refusal.status, headers);
  response.end(body);
}

/** The same on a socket without a `ServerResponse` (unparsable request, CONNECT). The connection closes: where the next request starts is unknown. */
export function answerOnSocket(socket: Duplex, refusal: Refusal): void {
  const body = refusalBody(refusal);
  const headers = [...refusalFields(refusal, body), "connection", "close"];
  let head = `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status] ?? ""}\r\n`;
  for (let i = 0; i < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`;
  socket.end(`${head}\r\n${body}`);
}

/** The fields of a refusal's answer, as a flat list. @param body see {@link refusalBody} */
export function refusalFields(refusal: Refusal, body: string): string[] {
  return ["content-type", "application/json", "content-length", String(Buffer.byteLength(body)), ...describingFields(refusal)];
}

/** Those that say what was refused, whatever form the answer has. */
export function describingFields(refusal: Refusal): string[] {
  const fields = [ERROR_HEADER, refusal.code];
  if (refusal.status === 405 || refusal.status === 200) fields.push("allow", ALLOW);
  if (refusal.code === "OVERLOADED") fields.push("retry-after", RETRY_AFTER, "x-envoy-overloaded", "true");
  if (refusal.code === "MESH_UNKNOWN") fields.push("retry-after", RETRY_AFTER);
  return fields;
}

/** The body of a refusal's answer: one line of JSON. */
export function refusalBody({ code, message }: Refusal): string {
  return `${JSON.stringify({ code, message })}\n`;
}
