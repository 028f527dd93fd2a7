import { Refusal } from "../refusals/refusal.ts";
import { readServerName } from "./client-hello.ts";

/**
 * Bytes of a ClientHello. With post-quantum key shares they have about 2 KiB; Envoy's limit is 16
 * KiB, too.
 */
const MAX_HELLO_BYTES = 16 * 1024;
const RECORD_HEADER_BYTES = 5;
const MESSAGE_HEADER_BYTES = 4;
/** Position of a ClientHello's `random`, after its version. */
const RANDOM_AT = MESSAGE_HEADER_BYTES + 2;
const RANDOM_BYTES = 32;
const HANDSHAKE_RECORD = 22;
const CLIENT_HELLO = 1;
/** First allocation for a message, in bytes: few clients send more. */
const FIRST_ROOM = 2 * 1024;
const MOST_ROOM = MESSAGE_HEADER_BYTES + MAX_HELLO_BYTES;
/** RFC 8446 §5.1. */
const MAX_FRAGMENT = 2 ** 14;

const NOTHING = Buffer.alloc(0);
const NOT_TLS = new Refusal("REQUEST_MALFORMED", "the connection does not begin with a TLS ClientHello");
const TOO_LARGE = new Refusal("HEADER_TOO_LARGE", "the ClientHello is too large");

/**
 * Puts a ClientHello together from records and segments, however they are split, and reads its
 * server name.
 */
export class ClientHelloReader {
  readonly #recordHeader = Buffer.alloc(RECORD_HEADER_BYTES);
  #recordHeaderFilled = 0;
  /** Bytes of the current record that have not arrived yet. */
  #left = 0;
  /**
   * Grows with what arrives: a client that sends nothing more must not hold memory for all of it.
   */
  #message: Buffer = NOTHING;
  #filled = 0;
  /** Length of the message with its header, once this has arrived. */
  #length = Number.POSITIVE_INFINITY;

  /** Bytes that the message takes. */
  get heldBytes(): number {
    return this.#message.length;
  }

  /** The 32 random bytes, which differ for each connection, once the hello is complete. */
  get random(): string {
    return this.#message.toString("latin1", RANDOM_AT, RANDOM_AT + RANDOM_BYTES);
  }

  /**
   * Reads a piece.
   *
   * @returns undefined while the hello is not complete. Bytes after it are not read
   */
  read(bytes: Buffer): string | Refusal | undefined {
    let at = 0;
    while (at < bytes.length) {
      if (this.#left === 0) {
        at += this.#readRecordHeader(bytes, at);
        const fault = this.#recordHeaderFilled === RECORD_HEADER_BYTES ? this.#beginRecord() : this.#earlyFault();
        if (fault !== undefined) return fault;
      } else {
        at += this.#readFragment(bytes, at);
        const result = this.#progress();
        if (result !== undefined) return result;
      }
    }
    return undefined;
  }

  #readRecordHeader(bytes: Buffer, from: number): number {
    const copied = bytes.copy(this.#recordHeader, this.#recordHeaderFilled, from);
    this.#recordHeaderFilled += copied;
    return copied;
  }

  /** For most other protocols the first byte already shows that it is not TLS. */
  #earlyFault(): Refusal | undefined {
    return this.#recordHeader[0] === HANDSHAKE_RECORD ? undefined : NOT_TLS;
  }

  #beginRecord(): Refusal | undefined {
    const [type, major] = this.#recordHeader;
    const length = this.#recordHeader.readUInt16BE(3);
    // RFC 8446 §5.1: there is no other record between the fragments, and none of them is empty. The
    // minor version has no meaning.
    if (type !== HANDSHAKE_RECORD || major !== 3 || length === 0 || length > MAX_FRAGMENT) return NOT_TLS;
    this.#recordHeaderFilled = 0;
    this.#left = length;
    return undefined;
  }

  #readFragment(bytes: Buffer, from: number): number {
    const to = Math.min(bytes.length, from + this.#left);
    this.#makeRoom(this.#filled + to - from);
    const copied = bytes.copy(this.#message, this.#filled, from, to);
    this.#left -= copied;
    this.#filled += copied;
    return copied;
  }

  #makeRoom(length: number): void {
    if (length <= this.#message.length) return;
    const room = Math.min(MOST_ROOM, Math.max(FIRST_ROOM, 2 * this.#message.length, length));
    const larger = Buffer.allocUnsafeSlow(room);
    this.#message.copy(larger, 0, 0, this.#filled);
    this.#message = larger;
  }

  #progress(): string | Refusal | undefined {
    if (this.#message[0] !== CLIENT_HELLO) return NOT_TLS;
    if (this.#filled < MESSAGE_HEADER_BYTES) return undefined;
    this.#length = MESSAGE_HEADER_BYTES + this.#message.readUIntBE(1, 3);
    if (this.#length > MOST_ROOM) return TOO_LARGE;
    return this.#filled < this.#length ? undefined : readServerName(this.#message.subarray(MESSAGE_HEADER_BYTES, this.#length));
  }
}
