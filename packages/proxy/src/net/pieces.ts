import type { Writable } from "node:stream";

/** Most pieces of any size that wait in a writable stream, before reading stops. */
export const MOST_PIECES = 64;
/**
 * Pieces up to this many bytes are joined by a copy. A piece that is kept as it is costs some
 * hundred bytes beside its own.
 */
const SMALL = 1_024;
/** Most small pieces that are kept as they are: most bodies have no more. */
const FEW = 8;
const SLAB = 4 * 1024;

/**
 * Bytes that arrived in pieces of any size and wait. Their memory depends only on their number:
 * without joining, 64 KiB in frames or chunks of one byte would cost 20 MB (T-10).
 */
export class Pieces {
  /** Of all pieces together. */
  bytes = 0;
  readonly #list: Buffer[] = [];
  #slab: Buffer | undefined;
  #filled = 0;

  /** @param piece is kept as it is, or copied */
  add(piece: Buffer): void {
    this.bytes += piece.length;
    if (piece.length > SMALL || this.#list.length < FEW) {
      this.#closeSlab();
      this.#list.push(piece);
      return;
    }
    if (this.#slab === undefined || this.#slab.length - this.#filled < piece.length) {
      this.#closeSlab();
      this.#slab = Buffer.allocUnsafeSlow(SLAB);
    }
    this.#filled += piece.copy(this.#slab, this.#filled);
  }

  /** The bytes so far, in order. */
  list(): readonly Buffer[] {
    this.#closeSlab();
    return this.#list;
  }

  #closeSlab(): void {
    if (this.#slab !== undefined) this.#list.push(this.#slab.subarray(0, this.#filled));
    this.#slab = undefined;
    this.#filled = 0;
  }
}

/**
 * Calls back once the peer has read everything that was written, however little: `drain` is only
 * emitted if there was too much.
 *
 * @param stream if it closes, there is no call back: its user gets the close
 */
export function onceTaken(stream: Writable | null, callback: () => void): void {
  if (stream?.writable === true) stream.write("", callback);
}
