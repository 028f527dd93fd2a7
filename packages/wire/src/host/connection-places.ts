import { totalmem } from "node:os";
import { openFilesLimit } from "../open-files.ts";
import type { HostLimit, HostLimits } from "./limits.ts";

/**
 * Share of the process's open files, and of its memory, that connections may take: the API, the
 * proxy beside us and the API server's watches need theirs.
 */
const SHARE = 1 / 4;
/** Bytes that a connection takes with a stream on it, measured: a quarter of them in V8's heap. */
const CONNECTION_BYTES = 48 * 1024;

/** Who has a place: a connection. */
export interface PlaceHolder {
  /** Whether no call is open on it. */
  readonly isIdle: boolean;
  /** Ends it, because the place is needed. */
  displace(): void;
}

/** What one holds: a peer, or an address of which nothing more is known. */
type Holding = Set<PlaceHolder>;

/**
 * Places of connections, of each peer and in all.
 *
 * A connection counts for its address until it shows a certificate, and then for that identity: all
 * that the sidecar in front of us brings comes from one address. When all places are taken, who has
 * most of them gives one up to one who has fewer, first one without a call.
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
   * Whether there is a place for one more of this address; else the limit that forbids it.
   *
   * @param isSidecars its connections without a call make room: the sidecar opened them for streams
   * that were over before they came, and everybody's newcomers are of this address
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
   * The connection turns out to be this peer's. Returns whether that has still a share for it. A
   * connection of the peer without a call is displaced for it: the sidecar keeps those of clients
   * that have left.
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

  /** Its end is told later, and nobody may count on its place until then. */
  #displace(connection: PlaceHolder): void {
    this.leave(connection);
    connection.displace();
  }
}

/** As many connections as the process has open files and memory for, up to this many. */
function affordable(most: number): number {
  const memory = Math.min(process.constrainedMemory() || Number.POSITIVE_INFINITY, totalmem());
  return Math.max(1, Math.min(most, Math.floor(openFilesLimit() * SHARE), Math.floor((memory * SHARE) / CONNECTION_BYTES)));
}
