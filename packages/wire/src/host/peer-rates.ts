import { TokenBucket } from "@fenceline/api/vocabulary";
import { LRUCache } from "lru-cache";
import { Usage } from "./least-served.ts";
import type { HostLimits } from "./limits.ts";

/**
 * The rates of one peer over all of its connections: of a certified identity, else of an address.
 */
export interface PeerRate {
  readonly streams: TokenBucket;
  /** Streams that are refused before their connections are closed. */
  readonly refusals: TokenBucket;
  /**
   * Connections of a certified peer that are closed. They come again from the sidecar's address,
   * whose rate of new connections others need.
   */
  readonly cuts: TokenBucket;
  /** New connections. */
  readonly connections: TokenBucket;
  /** Bytes beside messages, such as long headers and tiny pieces of DATA. */
  readonly overhead: TokenBucket;
  /** The share of the time for opening streams that all connections of a certified peer took. */
  readonly usage: Usage;
}

/**
 * Most peers that are remembered. A mesh has as many certified identities as service accounts, and
 * each address needs a connection. Beyond it, the oldest is forgotten.
 */
const MOST_PEERS = 10_000;
/**
 * Refusals of one peer, at once and per second. Each costs about 45 µs, nearly all of it in Node,
 * so the rate is less than a hundredth of a core.
 */
const REFUSALS = 1_024;
const REFUSAL_RATE = 128;
/** Connections of a certified peer that are closed, at once and per second. */
const CUTS = 16;
const CUT_RATE = 0.1;

/**
 * Rates of peers over all of their connections.
 *
 * The sidecar in front of us may put streams of many pods on one connection. If it were closed for
 * one of them, the streams of all others would end, so only that one is refused. An address may
 * have 512 connections, each with its own rate: without a rate for the address it would have 512
 * times as much. Rates are remembered for longer than streams last. Otherwise a peer that ends its
 * streams would get another burst.
 */
export class PeerRates {
  readonly #limits: HostLimits;
  readonly #rates = new LRUCache<string, PeerRate>({ max: MOST_PEERS });

  constructor(limits: HostLimits) {
    this.#limits = limits;
  }

  /**
   * @param isCertified it has its own share of connections
   * @param now milliseconds of a monotonic clock
   */
  of(peer: string, isCertified: boolean, now: number): PeerRate {
    const known = this.#rates.peek(peer);
    if (known !== undefined) return known;
    const { maxStreamsPerPeer, streamRate, maxConnectionsPerAddress, maxConnectionsPerPeer, connectionRate, overheadBurst, overheadRate } =
      this.#limits;
    const rate = {
      // All pods of a service account, or all Envoys behind an address, may connect again at once,
      // for example when we are restarted.
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
