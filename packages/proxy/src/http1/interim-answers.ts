import type { IncomingMessage, ServerResponse } from "node:http";
import { STATUS_CODES } from "../net/node-http.ts";
import type { AnswerHead } from "./answer-head.ts";

/**
 * Relays an interim answer (RFC 9110 §15.2): 100, 102, 103 and those to come.
 *
 * Written past the `ServerResponse`, which has words for 100 and 102 without fields only, and for
 * 103 only with `Link`. That is safe because nothing of the final answer was written yet, and
 * because the connection is this answer's own. One that a client which reads slowly has no room for
 * is dropped: none is worth the memory, except for 100 (Continue), for which a client may wait.
 */
export function relayInterim(request: IncomingMessage, response: ServerResponse, { status, reason, fields }: AnswerHead): void {
  // RFC 9110 §15.2: not to an HTTP/1.0 client, which would take it for the final answer.
  if (request.httpVersionMinor === 0 || response.headersSent || response.destroyed) return;
  if (response.socket === null || (response.socket.writableNeedDrain && status !== 100)) return;
  if (status === 100 && fields.length === 0) {
    // Only so does node:http know that the client had its 100. It would close the connection behind
    // the final answer, in the belief that the body may still come or not.
    response.writeContinue();
    return;
  }
  let text = `HTTP/1.1 ${status} ${reason === "" ? (STATUS_CODES[status] ?? "") : reason}\r\n`;
  for (let i = 0; i + 1 < fields.length; i += 2) text += `${fields[i]}: ${fields[i + 1]}\r\n`;
  response.socket.write(`${text}\r\n`, "latin1");
}
