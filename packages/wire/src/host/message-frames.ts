import type { HostLimit } from "./limits.ts";

/** Length of the prefix of a gRPC message: a flag for compression and four bytes of length. */
export const PREFIX = 5;
/**
 * First allocation for an unfinished message, in bytes. It grows with what arrives: five bytes that
 * announce a large message cost nothing.
 */
const FIRST_CAPACITY = 2_048;

/** Why no further message of a stream can be read. */
export type FramingFault = Extract<HostLimit, "message_size" | "compressed" | "framing">;

const NOTHING: Buffer = Buffer.alloc(0);

/**
 * Splits the bytes of one stream into gRPC messages, and holds at most one unfinished message.
 *
 * Nothing is inflated: a compressed message is a fault, since a kilobyte of it may stand for
 * megabytes. A message that arrives in one piece is passed on without a copy. The rest of a piece
 * is copied, since a slice of few bytes would keep everything alive that was read from the socket
 * with it.
 *
 * @see https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */
export class MessageFrames {
  readonly #maxBytes: number;
  readonly #prefix = Buffer.alloc(PREFIX);
  #prefixLength = 0;
  /** Bytes that the message announces. Valid once the prefix is complete. */
  #length = 0;
  /** What has arrived of the message. Its capacity is what we hold. */
  #body: Buffer = NOTHING;
  #bodyLength = 0;
  #chunk: Buffer = NOTHING;
  #at = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes of memory that an unfinished message takes. */
  get held(): number {
    return this.#body.length;
  }

  /** Whether a message has begun and is not complete. */
  get isUnfinished(): boolean {
    return this.#prefixLength > 0;
  }

  /** Takes the next piece. Call it only when {@link next} has returned undefined. */
  push(chunk: Buffer): void {
    this.#chunk = chunk;
    this.#at = 0;
  }

  /** The next message, valid until the next call. Undefined when more bytes are needed. */
  next(): Buffer | FramingFault | undefined {
    const fault = this.#readPrefix();
    if (fault !== undefined) return fault;
    if (this.#prefixLength < PREFIX) return this.#exhausted();
    const missing = this.#length - this.#bodyLength;
    const stop = Math.min(this.#at + missing, this.#chunk.length);
    const isWhole = stop - this.#at === missing;
    if (isWhole && this.#bodyLength === 0) return this.#finish(this.#chunk.subarray(this.#at, stop), stop);
    this.#keep(stop);
    return isWhole ? this.#finish(this.#body.subarray(0, this.#length), stop) : this.#exhausted();
  }

  /** Drops everything. */
  clear(): void {
    this.#chunk = this.#body = NOTHING;
    this.#at = this.#bodyLength = this.#prefixLength = 0;
  }

  #readPrefix(): FramingFault | undefined {
    if (this.#prefixLength === PREFIX) return undefined;
    while (this.#prefixLength < PREFIX && this.#at < this.#chunk.length) {
      this.#prefix[this.#prefixLength++] = this.#chunk[this.#at++] ?? 0;
    }
    if (this.#prefixLength < PREFIX) return undefined;
    const flag = this.#prefix[0];
    if (flag !== 0) return flag === 1 ? "compressed" : "framing";
    this.#length = this.#prefix.readUInt32BE(1);
    return this.#length > this.#maxBytes ? "message_size" : undefined;
  }

  #keep(stop: number): void {
    const needed = this.#bodyLength + stop - this.#at;
    if (needed > this.#body.length) {
      const capacity = Math.min(this.#length, Math.max(FIRST_CAPACITY, 2 * this.#body.length, needed));
      // Not from Buffer's pool, of which each slice would keep 64 KiB alive.
      const larger = Buffer.allocUnsafeSlow(capacity);
      this.#body.copy(larger, 0, 0, this.#bodyLength);
      this.#body = larger;
    }
    this.#chunk.copy(this.#body, this.#bodyLength, this.#at, stop);
    this.#bodyLength = needed;
    this.#at = stop;
  }

  #finish(message: Buffer, at: number): Buffer {
    this.#at = at;
    this.#prefixLength = this.#bodyLength = 0;
    this.#body = NOTHING;
    return message;
  }

  #exhausted(): undefined {
    this.#chunk = NOTHING;
    this.#at = 0;
    return undefined;
  }
}
