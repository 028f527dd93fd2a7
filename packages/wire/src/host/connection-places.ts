import { totalmem } from "node:os";
import { openFilesLimit } from "../open-files.ts";
import type { HostLimit, HostLimits } from "./limits.ts";

/**
 * Share of the process's open files, and of its memory, that connections may take. The rest is for
 * the API, the proxy beside us and the watches of the API server.
 */
const SHARE = 1 / 4;
/** Memory of a connection with one stream, in bytes, as measured: a quarter of it in V8's heap. */
const CONNECTION_BYTES = 48 * 1024;

/** A connection that has a place. */
export interface PlaceHolder {
  /** Whether it has no open call. */
  readonly isIdle: boolean;
  /** Closes it, because the place is needed. */
  displace(): void;
}

/** The connections of a peer, or of an address without a known identity. */
type Holding = Set<PlaceHolder>;

/**
 * Places of connections, of each peer and in all.
 *
 * A connection counts for its address until it shows a certificate, and for that identity from then
 * on, since all connections of the sidecar in front of us come from one address. When all places
 * are taken, the holder of the most gives one up to a holder of fewer: first a connection without a
 * call.
 */
export class ConnectionPlaces {
  readonly #max: number;
  readonly #maxPerAddress: number;
  readonly #maxPerPeer: number;
  /** Oldest first. */
  readonly #holdings = new Map<string, Holding>();
  readonly #keys = new Map<PlaceHolder, string>();

  constructor(limits: Pick<HostLimits, "maxConnections" | "maxConnectionsPerAddress" | "maxConnectionsPerPeer">) {
    this.#max = affordable(limits.maxConnections);
    this.#maxPerAddress = limits.maxConnectionsPerAddress;
    this.#maxPerPeer = Math.min(limits.maxConnectionsPerPeer, Math.ceil(this.#max / 2));
  }

  get taken(): number {
    return this.#keys.size;
  }

  /**
   * The limit that forbids one more connection of this address; undefined when there is a place for
   * it.
   *
   * @param isSidecars connections without a call make room: the sidecar opened them for streams
   * that had ended before, and all new connections come from this address
   */
  admits(address: string, isSidecars: boolean): Extract<HostLimit, "connections" | "address_connections"> | undefined {
    const held = this.#holdings.get(address);
    if (held !== undefined && held.size >= this.#maxPerAddress && !(isSidecars && this.#displaceIdle(held))) return "address_connections";
    return this.taken < this.#max || this.#makeRoom(held?.size ?? 0) ? undefined : "connections";
  }

  take(address: string, connection: PlaceHolder): void {
    this.#put(address, connection);
  }

  /**
   * The connection turns out to belong to this peer. Returns whether the peer's share has room for
   * it. If not, a connection of the peer without a call is closed to make room: the sidecar keeps
   * those of clients that have disconnected.
   */
  belongsTo(peer: string, connection: PlaceHolder): boolean {
    this.leave(connection);
    const held = this.#holdings.get(peer);
    if (held !== undefined && held.size >= this.#maxPerPeer) this.#displaceIdle(held);
    const isFree = held === undefined || held.size < this.#maxPerPeer;
    this.#put(peer, connection);
    return isFree;
  }

  leave(connection: PlaceHolder): void {
    const key = this.#keys.get(connection);
    if (key === undefined) return;
    this.#keys.delete(connection);
    const holding = this.#holdings.get(key);
    holding?.delete(connection);
    if (holding?.size === 0) this.#holdings.delete(key);
  }

  #put(key: string, connection: PlaceHolder): void {
    const holding = this.#holdings.get(key) ?? new Set();
    this.#holdings.set(key, holding.add(connection));
    this.#keys.set(connection, key);
  }

  #makeRoom(held: number): boolean {
    let largest: Holding = new Set();
    for (const holding of this.#holdings.values()) if (holding.size > largest.size) largest = holding;
    if (largest.size <= held + 1) return false;
    const [oldest] = largest;
    if (!this.#displaceIdle(largest) && oldest !== undefined) this.#displace(oldest);
    return true;
  }

  #displaceIdle(holding: Holding): boolean {
    for (const connection of holding) {
      if (!connection.isIdle) continue;
      this.#displace(connection);
      return true;
    }
    return false;
  }

  /** Its end is reported later, and its place must not be given away twice until then. */
  #displace(connection: PlaceHolder): void {
    this.leave(connection);
    connection.displace();
  }
}

/** The number of connections for which the process has open files and memory, at most this many. */
function affordable(most: number): number {
  const memory = Math.min(process.constrainedMemory() || Number.POSITIVE_INFINITY, totalmem());
  return Math.max(1, Math.min(most, Math.floor(openFilesLimit() * SHARE), Math.floor((memory * SHARE) / CONNECTION_BYTES)));
}
