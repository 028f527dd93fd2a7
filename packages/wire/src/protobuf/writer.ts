import { WIRE } from "./wire-types.ts";

const FIRST_SIZE = 1024;

/**
 * Writes protobuf wire format from the last byte to the first.
 *
 * A sub-message follows its length, which is known only after it is written. So the body is written
 * first, then its length by {@link message}. Callers give the fields in reverse, and they are on
 * the wire in the order of the schema.
 */
export class ReverseWriter {
  #bytes = Buffer.allocUnsafe(FIRST_SIZE);
  #start = FIRST_SIZE;

  /** Bytes written so far. */
  get size(): number {
    return this.#bytes.length - this.#start;
  }

  /** A copy of what was written. The writer is empty afterwards and keeps its memory. */
  take(): Buffer {
    const written = Buffer.from(this.#bytes.subarray(this.#start));
    this.#start = this.#bytes.length;
    return written;
  }

  /**
   * A string field. An empty one is the default and is left out. Lone surrogates become U+FFFD,
   * since the wire must be UTF-8.
   */
  string(field: number, text: string): void {
    if (text !== "") this.mapString(field, text);
  }

  /**
   * A string field that is written even when empty, as usual for keys and values of map entries.
   */
  mapString(field: number, text: string): void {
    const length = Buffer.byteLength(text);
    this.#reserve(length);
    this.#start -= length;
    this.#bytes.write(text, this.#start, length, "utf8");
    this.#varint(length);
    this.#varint((field << 3) | WIRE.LEN);
  }

  /** An unsigned field of at most 32 bits. 0 is the default and is left out. */
  uint32(field: number, value: number): void {
    if (value === 0) return;
    this.#varint(value);
    this.#varint((field << 3) | WIRE.VARINT);
  }

  /** Makes a sub-message of everything that was written since the size was `mark`. */
  message(field: number, mark: number): void {
    this.#varint(this.size - mark);
    this.#varint((field << 3) | WIRE.LEN);
  }

  #varint(value: number): void {
    const length = value === 0 ? 1 : Math.ceil((32 - Math.clz32(value)) / 7);
    this.#reserve(length);
    this.#start -= length;
    let rest = value >>> 0;
    for (let index = 0; index < length; index++) {
      this.#bytes[this.#start + index] = (rest & 0x7f) | (index < length - 1 ? 0x80 : 0);
      rest >>>= 7;
    }
  }

  #reserve(length: number): void {
    if (length <= this.#start) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.size + length));
    const start = larger.length - this.size;
    this.#bytes.copy(larger, start, this.#start);
    this.#bytes = larger;
    this.#start = start;
  }
}
