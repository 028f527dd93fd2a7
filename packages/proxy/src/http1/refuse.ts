import type { ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { STATUS_CODES } from "../net/node-http.ts";
import type { Refusal } from "../refusals/refusal.ts";
import { refusalBody, refusalFields } from "../refusals/refusal-answer.ts";

/**
 * Answers with a refusal: one line of JSON. Node reads and discards the request body, if there is
 * one, so the connection stays usable.
 */
export function answerRefusal(response: ServerResponse, refusal: Refusal, keepAlive: boolean): void {
  const body = refusalBody(refusal);
  const headers = refusalFields(refusal, body);
  if (!keepAlive) {
    headers.push("connection", "close");
    // node:http does not derive it from the field, and the listener reads it.
    response.shouldKeepAlive = false;
  }
  response.writeHead(refusal.status, headers);
  response.end(body);
}

/**
 * The same on a socket without a `ServerResponse` (unparsable request, CONNECT). The connection
 * closes, since it is unknown where the next request starts.
 */
export function answerOnSocket(socket: Duplex, refusal: Refusal): void {
  const body = refusalBody(refusal);
  const headers = [...refusalFields(refusal, body), "connection", "close"];
  let head = `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status] ?? ""}\r\n`;
  for (let i = 0; i < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`;
  socket.end(`${head}\r\n${body}`);
}
