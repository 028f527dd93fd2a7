import type { Socket } from "node:net";
import { forgetUnread, watchUnread } from "../net/left-peers.ts";
import { Pieces } from "../net/pieces.ts";

/** Bytes that are held before reading stops. Then TCP slows the client down. */
const MAX_HELD = 64 * 1024;

/**
 * Bytes that a client sends before its destination is ready.
 *
 * It reads on, within a limit, since only this shows that the client has ended its side: a socket
 * that is not read does not report an end, and a reset only when it is written.
 */
export class EarlyBytes {
  readonly #socket: Socket;
  readonly #onEnd: () => void;
  #pieces = new Pieces();

  /**
   * @param first bytes that were read already
   * @param onEnd called when the client closes its side
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
