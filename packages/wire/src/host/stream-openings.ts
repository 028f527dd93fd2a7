/** What a client sends before its first frame (RFC 9113 §3.4). */
const PREFACE_BYTES = 24;
/**
 * Of a frame's head: its length, and what follows its type, which is flags and the stream (RFC 9113
 * §4.1).
 */
const LENGTH_BYTES = 3;
const AFTER_TYPE = 5;
const DATA = 0;
const HEADERS = 1;
const RST_STREAM = 3;

/**
 * Finds where streams are opened and reset in what a client sends, the HEADERS and RST_STREAM
 * frames, and where it sends DATA. It reads heads of frames alone, and keeps none of the bytes.
 *
 * HEADERS of trailers look the same, and cost about as much. CONTINUATION opens nothing, and
 * nghttp2 takes few of them.
 */
export class StreamOpenings {
  /** Bytes that nothing is looked for in. */
  #skip = PREFACE_BYTES;
  /** Of the head that is being read: bytes of the length so far, and their value. */
  #read = 0;
  #length = 0;

  /**
   * Goes on over a chunk from `from`. It stops before the first of them for which `mayPass` returns
   * false, and asks again when it is called with what is left. Where the chunk before ended within
   * a frame's head it stops before the type, so what is passed never tells of a stream.
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
