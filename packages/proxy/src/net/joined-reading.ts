import { Readable } from "node:stream";
import { Pieces } from "./pieces.ts";

const HELD = Symbol("pieces that wait for a reader");
/** A stream whose `push` is {@link pushJoining}. */
type Joining = Readable & { [HELD]?: Held };

const { push } = Readable.prototype;

/** What has arrived while nobody reads. */
class Held {
  readonly pieces = new Pieces();
  readonly #stream: Joining;

  constructor(stream: Joining) {
    this.#stream = stream.on("resume", this.release);
    stream[HELD] = this;
  }

  /** Passes the joined pieces to the stream. */
  readonly release = (): void => {
    const stream = this.#stream.off("resume", this.release);
    delete stream[HELD];
    for (const piece of this.pieces.list()) push.call(stream, piece);
  };
}

/**
 * A `push` for byte streams that joins small pieces while nobody reads: a stream would keep each of
 * them as its own Buffer, and count only its bytes.
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

/** Bytes that have arrived and are not read. */
export function unreadBytes(stream: Joining): number {
  return stream.readableLength + (stream[HELD]?.pieces.bytes ?? 0);
}
