import { TokenBucket } from "@fenceline/api/vocabulary";
import { LRUCache } from "lru-cache";
import { Usage } from "./least-served.ts";
import type { HostLimits } from "./limits.ts";

/**
 * What one peer may do in time, over all of its connections: a certified identity, else an address.
 */
export interface PeerRate {
  readonly streams: TokenBucket;
  /** Streams that are refused before the connections that bring them are cut. */
  readonly refusals: TokenBucket;
  /**
   * Connections of a certified peer that are cut. They come again from the sidecar's address, whose
   * new connections others need.
   */
  readonly cuts: TokenBucket;
  /** New connections. */
  readonly connections: TokenBucket;
  /** Bytes beside messages: long headers, tiny pieces of DATA. */
  readonly overhead: TokenBucket;
  /** What all connections of a certified peer took of the time in which streams are opened. */
  readonly usage: Usage;
}

/**
 * Peers that are remembered. Identities that somebody vouches for are as many as a mesh has service
 * accounts, and addresses take a connection each. Of more the one that came first is forgotten.
 */
const MOST_PEERS = 10_000;
/**
 * Refusals at once and per second of one peer. Each costs about 45 µs, nearly all of it Node's own,
 * so the latter are less than a hundredth of a core.
 */
const REFUSALS = 1_024;
const REFUSAL_RATE = 128;
/** Connections of a certified peer that are cut at once, and per second. */
const CUTS = 16;
const CUT_RATE = 0.1;

/**
 * Rates of peers over all of their connections.
 *
 * The sidecar in front of us may put streams of many pods on one connection. To cut it for what one
 * of them does would end the streams of all the others, so that one alone is refused. An address
 * has up to 512 connections, and each of them its own rate: without one for the address it would
 * have 512 times as much. Remembered for longer than its streams, or to end each of them would buy
 * another burst.
 */
export class PeerRates {
  readonly #limits: HostLimits;
  readonly #rates = new LRUCache<string, PeerRate>({ max: MOST_PEERS });

  constructor(limits: HostLimits) {
    this.#limits = limits;
  }

  /**
   * @param isCertified it has a share of connections of its own
   * @param now milliseconds of a monotonic clock
   */
  of(peer: string, isCertified: boolean, now: number): PeerRate {
    const known = this.#rates.peek(peer);
    if (known !== undefined) return known;
    const { maxStreamsPerPeer, streamRate, maxConnectionsPerAddress, maxConnectionsPerPeer, connectionRate, overheadBurst, overheadRate } =
      this.#limits;
    const rate = {
      // All pods of a service account, or all Envoys behind an address, may come anew at once, as
      // when we are restarted.
      streams: new TokenBucket(2 * maxStreamsPerPeer, streamRate, now),
      refusals: new TokenBucket(REFUSALS, REFUSAL_RATE, now),
      cuts: new TokenBucket(CUTS, CUT_RATE, now),
      connections: new TokenBucket(2 * (isCertified ? maxConnectionsPerPeer : maxConnectionsPerAddress), connectionRate, now),
      overhead: new TokenBucket(overheadBurst, overheadRate, now),
      usage: new Usage(),
    };
    this.#rates.set(peer, rate);
    return rate;
  }
}
