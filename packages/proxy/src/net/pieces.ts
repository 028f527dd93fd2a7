import type { Writable } from "node:stream";

/**
 * Pieces that may wait in a stream that is written to, of whatever size, before no more is read.
 */
export const MOST_PIECES = 64;
/**
 * Pieces up to this many bytes are copied together. One that is kept as it came costs some hundred
 * bytes beside its own.
 */
const SMALL = 1_024;
/** Small pieces that are kept as they came: most bodies have no more. */
const FEW = 8;
const SLAB = 4 * 1024;

/**
 * Bytes that came in pieces of any size and wait. What they cost goes by their bytes: whoever sends
 * 64 KiB in frames or chunks of one byte would have them cost 20 MB (T-10).
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
 * Calls back once the peer has taken all that was written, however little that is: `drain` comes
 * only where there was too much.
 *
 * @param stream nothing happens where it closes, which is what its user waits for then
 */
export function onceTaken(stream: Writable | null, callback: () => void): void {
  if (stream?.writable === true) stream.write("", callback);
}
