import type { ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { ListenerObserver } from "../calls/listener-observer.ts";
import { clientAddress, linger } from "../net/client-socket.ts";
import type { Refusal } from "../refusals/refusal.ts";
import { causeOf, type ParserError, refusalOfParser } from "./parser-faults.ts";
import { answerOnSocket } from "./refuse.ts";

/** What the parser says of a client that ends its side in the middle of a request. */
const BROKEN_OFF = "HPE_INVALID_EOF_STATE";

/** Responses after which their connection closes. The parser reports every further byte anew. */
const ending = new WeakSet<ServerResponse>();

/**
 * Ends a connection whose bytes are no request, or that broke.
 *
 * @param response the last one on it
 */
export function endFaulty(error: ParserError, socket: Duplex, response: ServerResponse | undefined, observer: ListenerObserver): void {
  const connection = { client: clientAddress(socket), cause: causeOf(error) };
  const isOver = response === undefined || response.writableFinished;
  // A client that has gone cannot read an answer; one that is being answered would take a second
  // one for the rest of the first.
  if (error.code === "ECONNRESET" || error.code === "EPIPE" || !socket.writable || socket.readableEnded) {
    socket.destroy();
    // Where a request was being read as a call, the call tells.
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

/** Whether an answer ends with its connection for what its client sent. */
export function isEnding(response: ServerResponse): boolean {
  return ending.has(response);
}

/** Whether the connection closes with this answer, given or not. */
export function isLast(response: ServerResponse | undefined): boolean {
  return response?.shouldKeepAlive === false;
}

/**
 * Whether the connection owes or is writing an answer to a request that arrived whole; the fault is
 * in what came after it.
 */
export function isAnswering(response: ServerResponse | undefined): response is ServerResponse {
  return response !== undefined && !response.writableFinished && (response.headersSent || response.req.complete);
}

/**
 * The fault is behind a request, which is no reason to keep from its client what it rightly asked
 * for. It is answered in its turn, as Envoy does: before, the refusal would be taken for the answer
 * to an earlier request, or for a part of it.
 */
function refuseBehind(response: ServerResponse, socket: Duplex, refuse: () => void): void {
  // Before node:http's own listener: for a client that has ended its side it ends ours.
  response.prependOnceListener("finish", () => {
    // Behind `Connection: close`, from either side, bytes are only to be ignored (RFC 9112 §9.6).
    if (!isLast(response) && socket.writable) refuse();
  });
}

/**
 * The fault is within a request. It is answered in its turn, too, unless the answer has begun.
 *
 * @param endings of which exactly one happens
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
