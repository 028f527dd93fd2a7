import { Readable } from "node:stream";
import { Pieces } from "./pieces.ts";

const HELD = Symbol("pieces that wait for a reader");
/** A stream whose `push` is {@link pushJoining}. */
type Joining = Readable & { [HELD]?: Held };

const { push } = Readable.prototype;

/** What came while nobody reads. */
class Held {
  readonly pieces = new Pieces();
  readonly #stream: Joining;

  constructor(stream: Joining) {
    this.#stream = stream.on("resume", this.release);
    stream[HELD] = this;
  }

  /** Gives the stream what it would have had. */
  readonly release = (): void => {
    const stream = this.#stream.off("resume", this.release);
    delete stream[HELD];
    for (const piece of this.pieces.list()) push.call(stream, piece);
  };
}

/**
 * A `push` for streams of bytes that joins small pieces while nobody reads: a stream keeps each of
 * them as a Buffer of its own, and counts its bytes only.
 */
export function pushJoining(this: Joining, chunk: unknown, encoding?: BufferEncoding): boolean {
  if (chunk === null) {
    this[HELD]?.release();
    return push.call(this, null);
  }
  const held = this[HELD];
  if (!Buffer.isBuffer(chunk) || (held === undefined && this.readableFlowing === true)) return push.call(this, chunk, encoding);
  const { pieces } = held ?? new Held(this);
  pieces.add(chunk);
  return this.readableLength + pieces.bytes < this.readableHighWaterMark;
}

/** Pushes the joined pieces into the stream, where `read()` finds them. */
export function releaseJoined(stream: Joining): void {
  stream[HELD]?.release();
}

/** Bytes that came and that nobody has read. */
export function unreadBytes(stream: Joining): number {
  return stream.readableLength + (stream[HELD]?.pieces.bytes ?? 0);
}
