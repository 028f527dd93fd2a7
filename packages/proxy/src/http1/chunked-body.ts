import { withFullLineEnds } from "./head-end.ts";

/** The decoder's position in the grammar of RFC 9112 §7.1. */
type State = "size" | "blank" | "extension" | "size-end" | "data" | "data-cr" | "data-lf" | "trailers" | "done";

/**
 * Most bytes of one chunk's size line, with leading zeros, blanks and extensions. These have no
 * meaning, and are skipped byte by byte.
 */
const MAX_SIZE_LINE = 16 * 1024;
/** Bytes of a trailer section. */
const MAX_TRAILER_BYTES = 16 * 1024;
/** Largest size of a chunk: what JavaScript counts exactly. */
const MAX_SIZE = Number.MAX_SAFE_INTEGER;

/** Size in bytes up to which it is cheaper to move a chunk than to pass it on by itself. */
const SMALL = 128;

const TAB = 0x09;
const SPACE = 0x20;
const CR = 0x0d;
const LF = 0x0a;
const SEMICOLON = 0x3b;
const DEL = 0x7f;

/**
 * The end of a trailer section: an empty line, after the line end of the last trailer, if there is
 * one.
 */
const EMPTY_LINE = /^\r?\n|\r?\n\r?\n/g;
const BARE_LF = /(?<!\r)\n/;

/** The data of chunks, moved together within the bytes that they came in. */
class JoinedData {
  /** Pieces so far. */
  pieces = 0;
  readonly #bytes: Buffer;
  readonly #take: (data: Buffer) => void;
  #begin = 0;
  #end = 0;

  constructor(bytes: Buffer, take: (data: Buffer) => void) {
    this.#bytes = bytes;
    this.#take = take;
  }

  add(from: number, to: number): void {
    this.pieces += 1;
    if (to - from > SMALL || this.#begin === this.#end) {
      this.flush();
      this.#begin = from;
      this.#end = to;
      return;
    }
    const bytes = this.#bytes;
    for (let at = from; at < to; at += 1) {
      bytes[this.#end] = bytes[at] ?? 0;
      this.#end += 1;
    }
  }

  flush(): void {
    if (this.#end > this.#begin) this.#take(this.#bytes.subarray(this.#begin, this.#end));
    this.#begin = this.#end;
  }
}

/** The body is not valid in the chunked coding. The message says what is wrong, for people. */
export class ChunkedBodyFault extends Error {
  override readonly name = "ChunkedBodyFault";
}

/**
 * Decodes a body in the chunked coding as it arrives, in pieces of any size.
 *
 * It accepts what real servers write and every reader understands in the same way: leading zeros,
 * blanks after a size, extensions of any form, and LF alone after the data of a chunk and in the
 * trailers, as Envoy does. It is strict where leniency allows smuggling: a size line ends with
 * CRLF, a size consists of digits, and nothing is between a chunk and its line end.
 */
export class ChunkedBody {
  #state: State = "size";
  #size = 0;
  #digits = 0;
  /** Bytes of the current size line. */
  #lineBytes = 0;
  #chunks = 0;
  #trailers = "";
  #isLoose = false;

  /** Number of chunks so far. A chunk that arrives in two pieces may count twice. */
  get chunks(): number {
    return this.#chunks;
  }

  /** Trailer section without its empty line, latin1. Complete once {@link done}. */
  get trailers(): string {
    return this.#trailers;
  }

  get done(): boolean {
    return this.#state === "done";
  }

  /** Whether a line ended with LF alone, which not every reader accepts. */
  get isLoose(): boolean {
    return this.#isLoose;
  }

  /**
   * Decodes a piece. Chunks may have one byte, so small ones are moved together, over the bytes
   * between them: to pass each of them on took ten times as long as everything else (T-09).
   *
   * @param bytes may be changed where they were decoded
   * @param take gets the data of chunks, as views of `bytes`
   * @returns the position after the last byte of the body: `to`, unless the body ended before
   * @throws ChunkedBodyFault
   */
  decode(bytes: Buffer, from: number, to: number, take: (data: Buffer) => void): number {
    const joined = new JoinedData(bytes, take);
    let at = from;
    try {
      while (at < to && this.#state !== "done") {
        if (this.#state === "data") {
          const end = Math.min(to, at + this.#size);
          this.#size -= end - at;
          joined.add(at, end);
          at = end;
          if (this.#size === 0) this.#state = "data-cr";
        } else if (this.#state === "trailers") {
          at = this.#readTrailers(bytes, at, to);
        } else {
          this.#step(bytes[at] ?? 0);
          at += 1;
        }
      }
    } finally {
      // Data before a fault is delivered.
      joined.flush();
    }
    this.#chunks += joined.pieces;
    return at;
  }

  #step(byte: number): void {
    switch (this.#state) {
      case "size":
      case "blank":
      case "extension":
        this.#readSizeLine(byte);
        return;
      case "size-end":
        expect(byte, LF, "a chunk's size line does not end in CR LF");
        this.#state = this.#size === 0 ? "trailers" : "data";
        this.#digits = 0;
        this.#lineBytes = 0;
        return;
      case "data-cr":
        if (byte === CR) this.#state = "data-lf";
        else {
          expect(byte, LF, "a chunk is longer than its size");
          this.#isLoose = true;
          this.#state = "size";
        }
        return;
      default:
        expect(byte, LF, "a chunk does not end in CR LF");
        this.#state = "size";
    }
  }

  #readSizeLine(byte: number): void {
    this.#lineBytes += 1;
    if (this.#lineBytes > MAX_SIZE_LINE) throw new ChunkedBodyFault("a chunk's size line is too long");
    if (this.#state === "extension") this.#readExtension(byte);
    else this.#readSize(byte);
  }

  #readSize(byte: number): void {
    const digit = this.#state === "size" ? hexValue(byte) : undefined;
    if (digit !== undefined) {
      this.#digits += 1;
      this.#size = this.#size * 16 + digit;
      if (this.#size > MAX_SIZE) throw new ChunkedBodyFault("a chunk is larger than can be counted");
      return;
    }
    if (this.#digits === 0) throw new ChunkedBodyFault("a chunk has no size");
    if (byte === CR) this.#state = "size-end";
    else if (byte === SEMICOLON) this.#state = "extension";
    else if (byte === SPACE || byte === TAB) this.#state = "blank";
    else throw new ChunkedBodyFault("a chunk's size is not a number");
  }

  #readExtension(byte: number): void {
    if (byte === CR) this.#state = "size-end";
    else if ((byte < SPACE && byte !== TAB) || byte === DEL) throw new ChunkedBodyFault("a chunk's extension holds a control character");
  }

  /** Reads up to the empty line. Mostly the section is only this line. */
  #readTrailers(bytes: Buffer, from: number, to: number): number {
    const before = this.#trailers.length;
    const text = this.#trailers + bytes.toString("latin1", from, Math.min(to, from + MAX_TRAILER_BYTES + 4));
    EMPTY_LINE.lastIndex = Math.max(0, before - 3);
    const end = EMPTY_LINE.exec(text);
    if (end !== null) return this.#endTrailers(text.slice(0, end.index), end[0], from + end.index + end[0].length - before);
    if (text.length > MAX_TRAILER_BYTES) throw new ChunkedBodyFault("the trailers are too large");
    this.#trailers = text;
    return to;
  }

  #endTrailers(received: string, emptyLine: string, end: number): number {
    if (received.length > MAX_TRAILER_BYTES) throw new ChunkedBodyFault("the trailers are too large");
    const trailers = withFullLineEnds(received);
    this.#isLoose ||= trailers !== received || BARE_LF.test(emptyLine);
    this.#trailers = trailers;
    this.#state = "done";
    return end;
  }
}

function expect(byte: number, wanted: number, fault: string): void {
  if (byte !== wanted) throw new ChunkedBodyFault(fault);
}

function hexValue(byte: number): number | undefined {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : undefined;
}
