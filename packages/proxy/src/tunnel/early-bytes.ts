import type { Socket } from "node:net";
import { forgetUnread, watchUnread } from "../net/left-peers.ts";
import { Pieces } from "../net/pieces.ts";

/** Bytes held before the client is not read from any more. TCP then makes it wait. */
const MAX_HELD = 64 * 1024;

/**
 * What a client sends before its destination is ready for it.
 *
 * Reading on, within a bound, is the only way to notice that the client has ended its side: a
 * socket that is not read from tells nothing of it, and of a reset only to who asks.
 */
export class EarlyBytes {
  readonly #socket: Socket;
  readonly #onEnd: () => void;
  #pieces = new Pieces();

  /**
   * @param first what was read already
   * @param onEnd the client closed its side
   */
  constructor(socket: Socket, first: Buffer, onEnd: () => void) {
    this.#socket = socket;
    this.#onEnd = onEnd;
    if (first.length > 0) this.#hold(first);
    socket.on("data", this.#hold).on("end", onEnd);
  }

  /** Bytes that are held. */
  get bytes(): number {
    return this.#pieces.bytes;
  }

  /** Ends the holding. The socket is paused. */
  take(): readonly Buffer[] {
    this.#socket.off("data", this.#hold).off("end", this.#onEnd).pause();
    forgetUnread(this.#socket);
    const pieces = this.#pieces.list();
    this.#pieces = new Pieces();
    return pieces;
  }

  readonly #hold = (chunk: Buffer): void => {
    this.#pieces.add(chunk);
    if (this.#pieces.bytes < MAX_HELD) return;
    this.#socket.pause();
    watchUnread(this.#socket);
  };
}
