import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/**
 * Most requests that a connection may send before their answers (pipelining). No browser, probe or
 * Prometheus does this.
 */
const MOST_AHEAD = 16;

/**
 * Answers the requests of one connection one after the other: the next one when the answer before
 * has been sent.
 *
 * Node handles each request as soon as it is read (pipelining, RFC 9112 §9.3.2), and keeps the
 * answers after the first: 64 KiB of requests from a client that reads nothing were 1,300 answers
 * in memory.
 */
export class OneByOne {
  readonly #waiting = new WeakMap<Socket, (() => void)[]>();

  /**
   * Calls `answer` in this request's turn. A connection that sends too many requests ahead is
   * closed.
   */
  run({ socket }: IncomingMessage, response: ServerResponse, answer: () => void): void {
    // Node still reports requests that had arrived before the close.
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
