import { TokenBucket } from "@fenceline/api/vocabulary";

/**
 * Control frames that one frame of HEADERS or DATA allows. A well-behaved peer sends one or two: a
 * PING that measures bandwidth, and SETTINGS when its window grows. Envoy takes as many
 * WINDOW_UPDATEs (`max_inbound_window_update_frames_per_data_frame_sent`).
 */
const PER_FRAME = 10;
/**
 * Most control frames that are allowed and not used yet. A megabyte's window of small messages may
 * have a PING for each of its frames under way.
 */
const MAX_EARNED = 10_000;

/**
 * How many PING and SETTINGS frames one peer may send: a burst, a rate per second, and more in
 * proportion to the HEADERS and DATA in either direction.
 *
 * gRPC's clients measure their bandwidth with a PING for each round trip of DATA, however small
 * (https://github.com/grpc/proposal/blob/master/A8-client-side-keepalive.md). So frames are
 * counted, not their bytes. Acknowledgements allow no further frames: a flood that causes only
 * these is limited. Envoy has no limit by count: it ends a connection on which 1,000
 * acknowledgements wait to be sent (`max_outbound_control_frames`), and so does nghttp2.
 */
export class ControlFrames {
  readonly #time: TokenBucket;
  #earned = 0;

  /** @param now milliseconds of a monotonic clock */
  constructor(atOnce: number, perSecond: number, now: number) {
    this.#time = new TokenBucket(atOnce, perSecond, now);
  }

  /** This many frames of HEADERS and DATA were received or sent. */
  earn(frames: number): void {
    this.#earned = Math.min(MAX_EARNED, this.#earned + PER_FRAME * frames);
  }

  /** A PING or SETTINGS was received. @returns whether it is allowed */
  take(now: number): boolean {
    if (this.#time.take(1, now)) return true;
    this.#earned -= 1;
    if (this.#earned >= 0) return true;
    this.#earned = 0;
    return false;
  }
}
