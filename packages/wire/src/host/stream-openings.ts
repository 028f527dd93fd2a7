/** What a client sends before its first frame (RFC 9113 §3.4). */
const PREFACE_BYTES = 24;
/**
 * Parts of a frame's head: the length, and what follows the type, which is the flags and the stream
 * (RFC 9113 §4.1).
 */
const LENGTH_BYTES = 3;
const AFTER_TYPE = 5;
const DATA = 0;
const HEADERS = 1;
const RST_STREAM = 3;

/**
 * Finds the HEADERS, RST_STREAM and DATA frames in what a client sends. It reads only the heads of
 * frames, and keeps none of the bytes.
 *
 * HEADERS with trailers look the same, and cost about as much. CONTINUATION opens no stream, and
 * nghttp2 accepts few of them.
 */
export class StreamOpenings {
  /** Bytes to skip. */
  #skip = PREFACE_BYTES;
  /** Of the current head: bytes of the length so far, and their value. */
  #read = 0;
  #length = 0;

  /**
   * Reads a chunk from `from`. It stops before the first of these frames for which `mayPass`
   * returns false, and asks again when it is called with the rest. If the chunk before ended within
   * a frame's head, it stops before the type, so that what has passed never shows a stream.
   *
   * @returns where it stopped: the chunk's length when all of it may pass
   */
  pass(chunk: Uint8Array, from: number, mayPass: (isData: boolean) => boolean): number {
    const end = chunk.length;
    let at = from;
    for (;;) {
      const skipped = Math.min(this.#skip, end - at);
      at += skipped;
      this.#skip -= skipped;
      if (at === end) return end;
      if (this.#read < LENGTH_BYTES) {
        this.#length = this.#length * 256 + (chunk[at++] ?? 0);
        this.#read++;
      } else {
        const type = chunk[at];
        if ((type === DATA || type === HEADERS || type === RST_STREAM) && !mayPass(type === DATA)) return at;
        at++;
        this.#skip = AFTER_TYPE + this.#length;
        this.#read = this.#length = 0;
      }
    }
  }
}
