import type { HostLimit, HostLimits } from "./limits.ts";
import { Lane, PeerTurns } from "./turns.ts";

/** A stream, as {@link Peers} sees it. */
export interface Held {
  /** Bytes that it holds now. */
  readonly held: number;
  /** Ends it, because another peer needs the room. */
  displace(): void;
}

/** One sender: a certified identity where there is one, else an address. */
export class Peer extends PeerTurns {
  readonly key: string;
  /**
   * The lane of all streams of a certified identity, since a stream does not choose its connection
   * of the sidecar.
   */
  readonly lane = new Lane();
  /** Oldest first. */
  readonly streams = new Set<Held>();
  bytes = 0;

  constructor(key: string) {
    super();
    this.key = key;
  }
}

/**
 * Streams and bytes, of each peer and in all.
 *
 * When everything is taken, the peer that holds most gives something up to one that holds less. So
 * a flood costs its sender, and a new peer gets room.
 */
export class Peers {
  readonly #limits: HostLimits;
  readonly #peers = new Map<string, Peer>();
  #streams = 0;
  #bytes = 0;

  constructor(limits: HostLimits) {
    this.#limits = limits;
  }

  get streams(): number {
    return this.#streams;
  }

  /** Bytes that all streams hold. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The peer of this name. It is remembered while it has streams. */
  of(key: string): Peer {
    return this.#peers.get(key) ?? new Peer(key);
  }

  /** Adds a stream, or returns the limit that forbids it. */
  open(peer: Peer, stream: Held): HostLimit | undefined {
    const { maxStreams, maxStreamsPerPeer } = this.#limits;
    if (peer.streams.size >= maxStreamsPerPeer) return "peer_streams";
    if (this.#streams >= maxStreams && !this.#displaceStream(peer)) return "streams";
    this.#peers.set(peer.key, peer);
    peer.streams.add(stream);
    this.#streams++;
    return undefined;
  }

  /** The stream has ended. What it held must have been released by {@link hold}. */
  close(peer: Peer, stream: Held): void {
    if (!peer.streams.delete(stream)) return;
    this.#streams--;
    if (peer.streams.size === 0) this.#peers.delete(peer.key);
  }

  /**
   * A stream holds this many bytes more, or fewer. Returns the limit that this exceeds: then the
   * stream must end.
   */
  hold(peer: Peer, bytes: number): HostLimit | undefined {
    peer.bytes += bytes;
    this.#bytes += bytes;
    if (bytes <= 0) return undefined;
    if (peer.bytes > this.#limits.maxHeldBytesPerPeer) return "peer_bytes";
    return this.#bytes <= this.#limits.maxHeldBytes || this.#displaceBytes(peer) ? undefined : "peer_bytes";
  }

  #displaceStream(newcomer: Peer): boolean {
    const largest = this.#largest(({ streams }) => streams.size);
    const [oldest] = largest?.streams ?? [];
    if (largest === undefined || oldest === undefined || largest.streams.size <= newcomer.streams.size + 1) return false;
    oldest.displace();
    return true;
  }

  #displaceBytes(newcomer: Peer): boolean {
    const largest = this.#largest(({ bytes }) => bytes);
    if (largest === undefined || largest === newcomer) return false;
    let victim: Held | undefined;
    for (const stream of largest.streams) if (stream.held > (victim?.held ?? 0)) victim = stream;
    victim?.displace();
    return victim !== undefined;
  }

  #largest(size: (peer: Peer) => number): Peer | undefined {
    let largest: Peer | undefined;
    for (const peer of this.#peers.values()) if (largest === undefined || size(peer) > size(largest)) largest = peer;
    return largest;
  }
}
