/** Bytes of a frame's head (RFC 9113 §4.1). */
const FRAME_HEAD = 9;
/**
 * Bytes of a body that a client may send before it hears from us: the window of a stream. Of a
 * stream that is refused nobody counts them.
 */
const STREAM_WINDOW = 65_535;
/**
 * Bytes that may come for nothing: what was on its way to streams that are reset, as much as the
 * connection's window.
 */
const FOR_NOTHING = 1024 * 1024;
/**
 * Bytes for nothing to one byte that is sent: two WINDOW_UPDATEs, 26 bytes, for a DATA frame of
 * ten, and as much again.
 */
const PER_BYTE_SENT = 5;

/**
 * What a client sends that is neither a header nor a body: WINDOW_UPDATE, PRIORITY, DATA and
 * CONTINUATION that are empty, frames for streams that are over. nghttp2 takes them in without a
 * word, so there is nothing to count but bytes: those that came, less those of headers and bodies.
 * They may be in proportion to what a client asks for and what it is sent; Envoy counts frames in
 * the same relation (`max_inbound_window_update_frames_per_data_frame_sent`,
 * `max_inbound_priority_frames_per_stream`).
 */
export class FrameBudget {
  #accounted = 0;

  /** A request has come. @param headerBytes its header, unpacked */
  request(headerBytes: number, hasBody: boolean): void {
    this.#accounted += headerBytes + (hasBody ? STREAM_WINDOW : 0);
  }

  /** A DATA frame of a request has come. */
  data(bytes: number): void {
    this.#accounted += FRAME_HEAD + bytes;
  }

  /**
   * Whether too much came for nothing.
   *
   * @param bytesRead from the connection, of which as much again as was accounted for may be
   * padding and the like
   */
  exceeded(bytesRead: number, bytesWritten: number): boolean {
    return bytesRead > FOR_NOTHING + 2 * this.#accounted + PER_BYTE_SENT * bytesWritten;
  }
}
