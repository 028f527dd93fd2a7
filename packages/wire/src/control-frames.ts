import { TokenBucket } from "@fenceline/api/vocabulary";

/**
 * Control frames to one frame of HEADERS or DATA. An honest peer sends one or two: a PING that
 * measures bandwidth, and SETTINGS when the window grows by it. Envoy takes as many WINDOW_UPDATEs
 * (`max_inbound_window_update_frames_per_data_frame_sent`).
 */
const PER_FRAME = 10;
/**
 * What frames have earned and nobody has used, at most: a PING for each frame of a megabyte's
 * window is under way at a time, be the messages as small as they like.
 */
const MAX_EARNED = 10_000;

/**
 * How many PING and SETTINGS frames one peer may send: some at once and some a second, and more in
 * proportion to the HEADERS and DATA that go either way.
 *
 * gRPC's clients measure their bandwidth with a PING for each round trip of DATA
 * (https://github.com/grpc/proposal/blob/master/A8-client-side-keepalive.md), however little is in
 * it, so frames are counted and not their bytes. An acknowledgement is no such frame: a flood that
 * causes nothing else earns nothing. Envoy has no limit by count: it ends a connection on which
 * 1,000 acknowledgements wait to be sent (`max_outbound_control_frames`), and so does nghttp2.
 */
export class ControlFrames {
  readonly #time: TokenBucket;
  #earned = 0;

  /** @param now milliseconds of a monotonic clock */
  constructor(atOnce: number, perSecond: number, now: number) {
    this.#time = new TokenBucket(atOnce, perSecond, now);
  }

  /** So many frames of HEADERS and DATA came, or are sent. */
  earn(frames: number): void {
    this.#earned = Math.min(MAX_EARNED, this.#earned + PER_FRAME * frames);
  }

  /** A PING or SETTINGS has come. @returns whether it was allowed */
  take(now: number): boolean {
    if (this.#time.take(1, now)) return true;
    this.#earned -= 1;
    if (this.#earned >= 0) return true;
    this.#earned = 0;
    return false;
  }
}
