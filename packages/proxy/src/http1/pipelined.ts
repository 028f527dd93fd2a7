import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";

/**
 * Requests of one connection that may wait for their turn; then no more are read until half of them
 * have had it.
 */
const MOST_WAITING = 100;

/**
 * The requests that came behind one that is not answered yet.
 *
 * node:http reads on while answers are outstanding, and keeps some kilobytes for each request: one
 * client that pipelines behind an answer that does not come could fill the memory with requests of
 * 27 bytes. So the connection is not read from any more, as Envoy does it from the first one on.
 */
export class PipelinedRequests {
  /** How many wait, by connection. */
  readonly #waiting = new WeakMap<Socket, number>();

  /**
   * @param response has no socket yet: those of the requests before it come first
   * @param begin called when its turn has come
   */
  wait(socket: Socket, response: ServerResponse, begin: () => void): void {
    const waiting = (this.#waiting.get(socket) ?? 0) + 1;
    this.#waiting.set(socket, waiting);
    // Each time anew, and behind what node:http has set off: it resumes the socket with every
    // request that has no body.
    if (waiting >= MOST_WAITING) process.nextTick(() => this.#pause(socket));
    response.once("socket", () => {
      this.#leave(socket);
      begin();
    });
  }

  #pause(socket: Socket): void {
    if ((this.#waiting.get(socket) ?? 0) > MOST_WAITING / 2) socket.pause();
  }

  #leave(socket: Socket): void {
    const waiting = (this.#waiting.get(socket) ?? 1) - 1;
    this.#waiting.set(socket, waiting);
    if (waiting === MOST_WAITING / 2) socket.resume();
  }
}
