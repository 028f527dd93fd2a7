import type { Socket } from "node:net";

/** Bytes held before the client is not read from any more. TCP then makes it wait. */
const MAX_HELD = 64 * 1024;

/**
 * What a client sends before its destination is ready for it.
 *
 * Reading on, within a bound, is the only way to notice that the client left: a socket that is not
 * read from tells neither its end nor a reset.
 */
export class EarlyBytes {
  readonly #socket: Socket;
  readonly #chunks: Buffer[] = [];
  readonly #onEnd: () => void;
  #length = 0;

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

  /** Ends the holding. The socket is paused. */
  take(): Buffer[] {
    this.#socket.off("data", this.#hold).off("end", this.#onEnd).pause();
    return this.#chunks.splice(0);
  }

  readonly #hold = (chunk: Buffer): void => {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    if (this.#length >= MAX_HELD) this.#socket.pause();
  };
}
