/** Where the decoder stands in the grammar of RFC 9112 §7.1. */
type State = "size" | "extension" | "size-end" | "data" | "data-cr" | "data-lf" | "trailers" | "done";

/** Bytes of chunk extensions that one body may have. They mean nothing to anybody and cost a byte each to skip. */
const MAX_EXTENSION_BYTES = 16 * 1024;
/** Bytes of a trailer section. */
const MAX_TRAILER_BYTES = 16 * 1024;
/** Hexadecimal digits of a chunk's size: up to what JavaScript counts exactly. */
const MAX_SIZE_DIGITS = 13;

const TOKEN = "[!#$%&'*+\\-.^_`|~\\dA-Za-z]+";
const QUOTED = '"(?:[\\t\\x20\\x21\\x23-\\x5b\\x5d-\\x7e\\x80-\\xff]|\\\\[\\t\\x20-\\x7e\\x80-\\xff])*"';
const EXTENSION = `${TOKEN}(?:=(?:${TOKEN}|${QUOTED}))?`;
/** RFC 9112 §7.1.1 without the white space that it calls bad; what follows the first semicolon. */
const EXTENSIONS = new RegExp(`^${EXTENSION}(?:;${EXTENSION})*$`);
/^(?:(?:^|;)[!#$%&'*+\-.^_`|~\dA-Za-z]+(?:=(?:[!#$%&'*+\-.^_`|~\dA-Za-z]+|"(?:[^"\\\r\n\0]|\\[\t\x20-\x7e\x80-\xff])*"))?)*$/;

const CR = 0x0d;
const LF = 0x0a;
const SEMICOLON = 0x3b;

/** The body is not in the chunked coding. The message says what is wrong, for people. */
export class ChunkedBodyFault extends Error {
  override readonly name = "ChunkedBodyFault";
}

/**
 * Decodes a body in the chunked coding as it comes, in pieces of any size.
 *
 * Strict where leniency has been used for smuggling: line ends are CR LF, a size has digits, and nothing stands between a chunk and its line end.
 */
export class ChunkedBody {
  #state: State = "size";
  #size = 0;
  #digits = 0;
  #extensions = "";
  #extensionBytes = 0;
  #trailers = "";

  /** Trailer section without its empty line, latin1. Complete once {@link done}. */
  get trailers(): string {
    return this.#trailers;
  }

  get done(): boolean {
    return this.#state === "done";
  }

  /**
   * Decodes a piece.
   *
   * @param take gets the data of chunks, as views of `bytes`
   * @returns the position after the last byte that belongs to the body: `to`, unless the body ended before
   * @throws ChunkedBodyFault
   */
  decode(bytes: Buffer, from: number, to: number, take: (data: Buffer) => void): number {
    let at = from;
    while (at < to && this.#state !== "done") {
      if (this.#state === "data") {
        const end = Math.min(to, at + this.#size);
        this.#size -= end - at;
        take(bytes.subarray(at, end));
        at = end;
        if (this.#size === 0) this.#state = "data-cr";
      } else if (this.#state === "trailers") {
        at = this.#readTrailers(bytes, at, to);
      } else {
        this.#step(bytes[at] ?? 0);
        at += 1;
      }
    }
    return at;
  }

  #step(byte: number): void {
    switch (this.#state) {
      case "size":
        this.#readSize(byte);
        return;
      case "extension":
        this.#readExtension(byte);
        return;
      case "size-end":
        expect(byte, LF, "a chunk's size line does not end in CR LF");
        this.#state = this.#size === 0 ? "trailers" : "data";
        this.#digits = 0;
        return;
      case "data-cr":
        expect(byte, CR, "a chunk is longer than its size");
        this.#state = "data-lf";
        return;
      default:
        expect(byte, LF, "a chunk does not end in CR LF");
        this.#state = "size";
    }
  }

  #readSize(byte: number): void {
    const digit = hexValue(byte);
    if (digit !== undefined) {
      this.#digits += 1;
      if (this.#digits > MAX_SIZE_DIGITS) throw new ChunkedBodyFault("a chunk is larger than can be counted");
      this.#size = this.#size * 16 + digit;
      return;
    }
    if (this.#digits === 0) throw new ChunkedBodyFault("a chunk has no size");
    if (byte === CR) this.#state = "size-end";
    else if (byte === SEMICOLON) this.#state = "extension";
    else throw new ChunkedBodyFault("a chunk's size is not a number");
  }

  #readExtension(byte: number): void {
    if (byte === CR) {
      if (!EXTENSIONS.test(this.#extensions)) throw new ChunkedBodyFault("a chunk's extensions are malformed");
      this.#extensions = "";
      this.#state = "size-end";
      return;
    }
    this.#extensionBytes += 1;
    if (this.#extensionBytes > MAX_EXTENSION_BYTES) throw new ChunkedBodyFault("the chunk extensions are too large");
    this.#extensions += String.fromCharCode(byte);
  }

  /** Reads up to the empty line; mostly the section is nothing but that line. */
  #readTrailers(bytes: Buffer, from: number, to: number): number {
    const before = this.#trailers.length;
    const text = this.#trailers + bytes.toString("latin1", from, to);
    if (text.startsWith("\r\n")) return this.#endTrailers("", from + 2 - before);
    const end = text.indexOf("\r\n\r\n", Math.max(0, before - 3));
    if (end !== -1) return this.#endTrailers(text.slice(0, end), from + end + 4 - before);
    if (text.length > MAX_TRAILER_BYTES) throw new ChunkedBodyFault("the trailers are too large");
    this.#trailers = text;
    return to;
  }

  #endTrailers(trailers: string, end: number): number {
    if (trailers.length > MAX_TRAILER_BYTES) throw new ChunkedBodyFault("the trailers are too large");
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
