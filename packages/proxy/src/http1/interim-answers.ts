import type { IncomingMessage, ServerResponse } from "node:http";
import { STATUS_CODES } from "../net/node-http.ts";
import type { AnswerHead } from "./answer-head.ts";

/**
 * Relays an interim answer (RFC 9110 §15.2): 100, 102, 103 and future ones.
 *
 * It is written directly to the socket: `ServerResponse` writes 100 and 102 only without fields,
 * and 103 only with `Link`. This is safe because nothing of the final answer was written yet, and
 * the connection is this answer's own. If a slow client has unread bytes, the interim answer is
 * dropped to save memory, except for 100 (Continue), for which the client may wait.
 */
export function relayInterim(request: IncomingMessage, response: ServerResponse, { status, reason, fields }: AnswerHead): void {
  // RFC 9110 §15.2: an HTTP/1.0 client would take it for the final answer.
  if (request.httpVersionMinor === 0 || response.headersSent || response.destroyed) return;
  if (response.socket === null || (response.socket.writableNeedDrain && status !== 100)) return;
  if (status === 100 && fields.length === 0) {
    // Tells node:http that the client has its 100. Otherwise it would close the connection after
    // the final answer, because it would not know whether the body still comes.
    response.writeContinue();
    return;
  }
  let text = `HTTP/1.1 ${status} ${reason === "" ? (STATUS_CODES[status] ?? "") : reason}\r\n`;
  for (let i = 0; i + 1 < fields.length; i += 2) text += `${fields[i]}: ${fields[i + 1]}\r\n`;
  response.socket.write(`${text}\r\n`, "latin1");
}
