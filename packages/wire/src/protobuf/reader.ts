import { isUtf8 } from "node:buffer";
import type { StringCache } from "./string-cache.ts";
import { GROUP_DEPTH_LIMIT, MAX_VARINT_BYTES, NO_WIRE_TYPE, WIRE } from "./wire-types.ts";

/**
 * Position of a failed reader: behind the end of any message, so that every loop over a message
 * stops.
 */
const FAILED = 0x3fff_ffff;

/**
 * Longest text that is read, in bytes. A host name has at most 253, a cluster adds port and subset,
 * a label has 63. A longer text names nothing that exists, and must not fill our memory.
 */
const MAX_TEXT_BYTES = 512;

/** Longest message in bytes, so that positions are small integers and below {@link FAILED}. */
export const MAX_MESSAGE_BYTES = 0x2000_0000;

/**
 * Reads protobuf wire format from a buffer without exceptions.
 *
 * A sub-message is well formed if and only if reading stops exactly at its end. So nothing here
 * throws: a read behind the buffer yields zeros, an error moves the position behind everything, and
 * {@link close} compares positions. Callers loop `while (reader.at < end)`, then call `close(end)`.
 */
export class WireReader {
  /** Position of the next byte. */
  at = 0;
  readonly #strings: StringCache;
  #bytes: Buffer = Buffer.alloc(0);
  #view = viewOf(this.#bytes);
  /** Where the text of the last {@link passString} began. */
  #lastStart = 0;
  #keyStart = 0;
  #keyEnd = 0;
  #valueStart = 0;
  #valueEnd = 0;

  constructor(strings: StringCache) {
    this.#strings = strings;
  }

  /** Starts with another buffer, and drops the one before. */
  reset(bytes: Buffer): void {
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
    this.at = 0;
  }

  fail(): void {
    this.at = FAILED;
  }

  /** Field number and wire type. 0, which is never valid, when the tag is longer than 32 bits. */
  tag(): number {
    const first = this.#byte();
    if (first < 0x80) return first;
    const second = this.#byte();
    if (second < 0x80) return (first & 0x7f) | (second << 7);
    return this.#longTag((first & 0x7f) | ((second & 0x7f) << 7));
  }

  /**
   * A varint, truncated to its lower 32 bits as protobuf prescribes for 32-bit fields. More than
   * ten bytes are an error.
   */
  varint32(): number {
    const first = this.#byte();
    if (first < 0x80) return first;
    let value = first & 0x7f;
    for (let index = 1; index < MAX_VARINT_BYTES; index++) {
      const byte = this.#byte();
      if (index < 5) value |= (byte & 0x7f) << (7 * index);
      if (byte < 0x80) return value >>> 0;
    }
    this.fail();
    return 0;
  }

  /** A varint as a boolean: true when any of its 64 bits is set. */
  bool(): boolean {
    let bits = 0;
    for (let index = 0; index < MAX_VARINT_BYTES; index++) {
      const byte = this.#byte();
      bits |= byte & 0x7f;
      if (byte < 0x80) return bits !== 0;
    }
    this.fail();
    return false;
  }

  /**
   * Reads a length and returns where the field ends. A field that ends behind `end`, the end of the
   * message around it, is an error.
   */
  open(end: number): number {
    const first = this.#byte();
    const length = first < 0x80 ? first : this.#longLength(first & 0x7f);
    const stop = this.at + length;
    if (stop <= end) return stop;
    this.fail();
    return end;
  }

  /**
   * Ends the sub-message that {@link open} began: an error unless reading stopped exactly there.
   */
  close(end: number): void {
    if (this.at !== end) this.at = FAILED;
  }

  /**
   * A string field. Invalid UTF-8 is an error, as in every strict proto3 parser. For a text longer
   * than {@link MAX_TEXT_BYTES} it returns `tooLong`: empty, or a mark if the caller has to
   * distinguish it from an absent text.
   */
  string(end: number, tooLong = ""): string {
    const stop = this.open(end);
    const start = this.at;
    if (start >= stop) return "";
    this.at = stop;
    return this.#text(start, stop, tooLong);
  }

  /**
   * The beginning of a string field for people, which may be long: at most this many bytes, to the
   * last whole character. Invalid UTF-8 is an error, as in {@link string}.
   */
  beginning(end: number, most: number): string {
    const start = this.at;
    this.passString(end);
    if (this.at === FAILED || this.at === start) return "";
    const bytes = this.#bytes.subarray(this.#lastStart, this.at);
    return new TextDecoder().decode(bytes.subarray(0, most), { stream: true });
  }

  /** Skips a string field, but checks that it is UTF-8. */
  passString(end: number): void {
    const stop = this.open(end);
    this.#lastStart = this.at;
    if (this.at >= stop) return;
    if (isUtf8(this.#bytes.subarray(this.at, stop))) this.at = stop;
    else this.fail();
  }

  /**
   * Reads one entry of a `map<string, string>`; {@link keyIs} and {@link value} then tell what it
   * has. Strings are made only for values that are needed.
   */
  mapEntry(end: number): void {
    const stop = this.open(end);
    this.#keyStart = this.#keyEnd = this.#valueStart = this.#valueEnd = 0;
    while (this.at < stop) {
      const tag = this.tag();
      if (tag === ((1 << 3) | WIRE.LEN)) {
        this.#keyEnd = this.open(stop);
        this.#keyStart = this.at;
        if (this.at < stop) this.at = this.#keyEnd;
      } else if (tag === ((2 << 3) | WIRE.LEN)) {
        this.#valueEnd = this.open(stop);
        this.#valueStart = this.at;
        if (this.at < stop) this.at = this.#valueEnd;
      } else {
        this.skip(tag, stop);
      }
    }
    this.close(stop);
  }

  /** Whether the key of the last map entry consists of these ASCII bytes. */
  keyIs(name: Buffer): boolean {
    if (this.at === FAILED || this.#keyEnd - this.#keyStart !== name.length) return false;
    for (let index = 0; index < name.length; index++) {
      if (this.#bytes[this.#keyStart + index] !== name[index]) return false;
    }
    return true;
  }

  /** The value of the last map entry. */
  value(): string {
    return this.at === FAILED ? "" : this.#text(this.#valueStart, this.#valueEnd, "");
  }

  /**
   * Skips the field of this tag. Field number 0, wire types 6 and 7, and a group's end without its
   * start are errors.
   */
  skip(tag: number, end: number): void {
    this.#skip(tag, end, 0);
  }

  #skip(tag: number, end: number, depth: number): void {
    switch (tag >>> 3 === 0 ? NO_WIRE_TYPE : tag & 7) {
      case WIRE.LEN: {
        const stop = this.open(end);
        if (this.at < stop) this.at = stop;
        return;
      }
      case WIRE.VARINT:
        this.bool();
        return;
      case WIRE.I64:
        this.at += 8;
        return;
      case WIRE.I32:
        this.at += 4;
        return;
      case WIRE.GROUP_START:
        this.#skipGroup(tag, end, depth + 1);
        return;
      default:
        this.fail();
    }
  }

  /**
   * Groups nest, so their depth is bounded: a message that only starts groups must not exhaust the
   * stack.
   */
  #skipGroup(start: number, end: number, depth: number): void {
    const last = start - WIRE.GROUP_START + WIRE.GROUP_END;
    while (this.at < end && depth <= GROUP_DEPTH_LIMIT) {
      const tag = this.tag();
      if (tag === last) return;
      this.#skip(tag, end, depth);
    }
    this.fail();
  }

  #byte(): number {
    return this.#bytes[this.at++] ?? 0;
  }

  #longTag(low: number): number {
    let value = low;
    for (let shift = 14; shift <= 28; shift += 7) {
      const byte = this.#byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return shift === 28 && byte > 0x0f ? 0 : value >>> 0;
    }
    return 0;
  }

  #longLength(low: number): number {
    let value = low;
    for (let shift = 7; shift <= 28; shift += 7) {
      const byte = this.#byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return shift === 28 && byte > 7 ? FAILED : value;
    }
    return FAILED;
  }

  #text(start: number, stop: number, tooLong: string): string {
    if (stop - start > MAX_TEXT_BYTES) {
      if (isUtf8(this.#bytes.subarray(start, stop))) return tooLong;
      this.fail();
      return "";
    }
    const text = this.#strings.read(this.#bytes, this.#view, start, stop);
    if (text !== undefined) return text;
    this.fail();
    return "";
  }
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
