import type { HostLimits } from "./limits.ts";
import { TokenBucket } from "./token-bucket.ts";

/** What one certified peer may do in time, over all of its connections. */
export interface PeerRate {
  readonly streams: TokenBucket;
  /** Bytes beside messages: long headers, tiny pieces of DATA. */
  readonly overhead: TokenBucket;
}

/** Peers that are remembered. Identities that somebody vouches for are as many as a mesh has service accounts. */
const MOST_PEERS = 10_000;

/**
 * Rates of peers whose connections are not their own.
 *
 * The sidecar in front of us puts streams of many pods on one connection. To cut it for what one of them does would end the streams of all the others, so
 * that one alone is refused. Remembered for longer than its streams, or to end each of them would buy another burst.
 */
export class PeerRates {
  readonly #limits: HostLimits;
  readonly #rates = new Map<string, PeerRate>();

  constructor(limits: HostLimits) {
    this.#limits = limits;
  }

  /** @param now milliseconds of a monotonic clock */
  of(peer: string, now: number): PeerRate {
    const known = this.#rates.get(peer);
    if (known !== undefined) return known;
    const { maxStreamsPerPeer, streamRate, overheadBurst, overheadRate } = this.#limits;
    // All pods of a service account may come anew at once, as when we are restarted.
    const streams = new TokenBucket(2 * maxStreamsPerPeer, streamRate, now);
    const rate = { streams, overhead: new TokenBucket(overheadBurst, overheadRate, now) };
    const [oldest] = this.#rates.keys();
    if (oldest !== undefined && this.#rates.size >= MOST_PEERS) this.#rates.delete(oldest);
    this.#rates.set(peer, rate);
    return rate;
  }
}
