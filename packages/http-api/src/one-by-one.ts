import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/**
 * Requests that a connection may send ahead of its answers. No browser, probe or Prometheus sends
 * any.
 */
const MOST_AHEAD = 16;

/**
 * Answers the requests of one connection one after the other, the next when the one before has
 * left.
 *
 * Node begins with each as it reads it (pipelining, RFC 9112 §9.3.2), and keeps the answers behind
 * the first: 64 KiB of requests, from a client that reads nothing, were 1,300 answers in memory.
 */
export class OneByOne {
  readonly #waiting = new WeakMap<Socket, (() => void)[]>();

  /**
   * Calls `answer` when it is this request's turn. A connection that sends too many ahead is cut.
   */
  run({ socket }: IncomingMessage, response: ServerResponse, answer: () => void): void {
    // What had arrived before the cut is still told.
    if (socket.destroyed) return;
    const waiting = this.#waiting.get(socket);
    const begin = () => {
      response.once("close", () => this.#next(socket));
      answer();
    };
    if (waiting === undefined) {
      this.#waiting.set(socket, []);
      begin();
    } else if (waiting.length < MOST_AHEAD) waiting.push(begin);
    else socket.destroy();
  }

  #next(socket: Socket): void {
    const begin = this.#waiting.get(socket)?.shift();
    if (begin === undefined || socket.destroyed) this.#waiting.delete(socket);
    else begin();
  }
}
