import type { ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { ListenerObserver } from "../calls/listener-observer.ts";
import { clientAddress, linger } from "../net/client-socket.ts";
import type { Refusal } from "../refusals/refusal.ts";
import { causeOf, type ParserError, refusalOfParser } from "./parser-faults.ts";
import { answerOnSocket } from "./refuse.ts";

/** The parser's code for a client that ends its side in the middle of a request. */
const BROKEN_OFF = "HPE_INVALID_EOF_STATE";

/** Responses after which their connection closes. The parser reports every further byte again. */
const ending = new WeakSet<ServerResponse>();

/**
 * Ends a connection whose bytes are not a request, or that broke.
 *
 * @param response the last one on it
 */
export function endFaulty(error: ParserError, socket: Duplex, response: ServerResponse | undefined, observer: ListenerObserver): void {
  const connection = { client: clientAddress(socket), cause: causeOf(error) };
  const isOver = response === undefined || response.writableFinished;
  // A client that has disconnected cannot read an answer. One that is just getting an answer would
  // take a second one for the rest of the first.
  if (error.code === "ECONNRESET" || error.code === "EPIPE" || !socket.writable || socket.readableEnded) {
    socket.destroy();
    // If the request is a call already, the call reports it.
    if (error.code === BROKEN_OFF && (isOver || response.req.complete)) observer.left(connection);
    return;
  }
  const refusal = refusalOfParser(error);
  const refuse = () => refuseOnSocket(socket, refusal, observer, connection.cause);
  if (isOver) refuse();
  else if (!ending.has(response)) {
    ending.add(response);
    if (response.req.complete) refuseBehind(response, socket, refuse);
    else refuseWithin(response, socket, { refuse, broken: () => observer.broken(refusal, connection) });
  }
}

/** Whether the connection closes after an answer because of what its client sent. */
export function isEnding(response: ServerResponse): boolean {
  return ending.has(response);
}

/** Whether the connection closes with this answer, whether or not this was sent. */
export function isLast(response: ServerResponse | undefined): boolean {
  return response?.shouldKeepAlive === false;
}

/**
 * Whether a complete request still waits for its answer, or gets it just now. Then the fault is in
 * what came after the request.
 */
export function isAnswering(response: ServerResponse | undefined): response is ServerResponse {
  return response !== undefined && !response.writableFinished && (response.headersSent || response.req.complete);
}

/**
 * The fault is behind a request, which still gets its answer. The refusal follows in its turn, as
 * in Envoy: earlier, it would be taken for the answer to the request before, or for a part of it.
 */
function refuseBehind(response: ServerResponse, socket: Duplex, refuse: () => void): void {
  // Before node:http's own listener, which ends our side if the client has ended its own.
  response.prependOnceListener("finish", () => {
    // After `Connection: close` from either side, bytes are ignored (RFC 9112 §9.6).
    if (!isLast(response) && socket.writable) refuse();
  });
}

/**
 * The fault is within a request. The refusal follows in its turn, unless the answer has begun.
 *
 * @param endings exactly one of them happens
 */
function refuseWithin(response: ServerResponse, socket: Duplex, endings: { refuse(): void; broken(): void }): void {
  response.shouldKeepAlive = false;
  const cutOff = () => {
    if (!response.headersSent) {
      endings.refuse();
      return;
    }
    endings.broken();
    socket.destroy();
  };
  if (response.socket === null) response.once("socket", cutOff);
  else cutOff();
}

/** @param cause for the log */
export function refuseOnSocket(socket: Duplex, refusal: Refusal, observer: ListenerObserver, cause: string): void {
  socket.on("error", () => {});
  const client = clientAddress(socket);
  answerOnSocket(socket, refusal);
  linger(socket);
  observer.refused(refusal, { client, cause });
}
