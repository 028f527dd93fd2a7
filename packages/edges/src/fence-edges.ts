import type { HostSource } from "@fenceline/api";
import { addCounts, unitePorts } from "@fenceline/api/vocabulary";
import { LRUCache } from "lru-cache";
import { ObservedClock } from "./observed-clock.ts";

/** How the hosts of one fence age. */
export interface AgeingPolicy {
  /** Observed time, in milliseconds, that a host may go unseen. */
  readonly idleWindow: number;
  /** Least window that counts, in milliseconds, also of a host that brings its own. Default 0. */
  readonly shortestWindow?: number;
  /**
   * Most hosts that calls may bring in. At least 1. Beyond it only a host that was not seen within
   * its window makes room.
   */
  readonly maxHosts: number;
  /**
   * Hosts that a person declared: they always find room, and take none from the others. Default:
   * none.
   */
  readonly declared?: ReadonlySet<string>;
  /** Largest share of the hosts that one round may remove, from 0 (exclusive) to 1. */
  readonly maxRemovedShare: number;
}

/** What is known of one destination host of a fence. Times are milliseconds of the wall clock. */
export interface HostRecord {
  readonly host: string;
  readonly source: HostSource;
  readonly firstSeen: number;
  readonly lastSeen: number;
  readonly requests: number;
  /** Ascending. */
  readonly ports: readonly number[];
}

/** A host that is put into the book without having been called: restored, preloaded or imported. */
export interface HostSeed {
  readonly host: string;
  readonly source: HostSource;
  readonly firstSeen: number;
  readonly lastSeen: number;
  readonly requests?: number;
  readonly ports?: readonly number[];
  /** Own window in milliseconds, in place of the policy's. */
  readonly idleWindow?: number | undefined;
}

interface Entry {
  readonly host: string;
  readonly source: HostSource;
  readonly firstSeen: number;
  lastSeen: number;
  requests: number;
  ports: number[];
  idleWindow: number | undefined;
  /** Observed time at the last sighting. */
  seenAt: number;
}

/**
 * After telemetry stopped, at most this part of the window counts as observed: a workload that
 * calls once an hour must age under a day's window too.
 */
const GAP_PARTS = 20;
/**
 * Part of its window that a host is given beyond it while another replica sees calls of the
 * workload: what that one sees is told so late.
 */
const PATIENCE = 0.2;
/**
 * Between two reports of another replica, which makes one every tenth of a window while telemetry
 * flows.
 */
const GAP_PARTS_ELSEWHERE = 10;

/** The cache reserves memory for all of its room, and most fences hold few hosts. */
const ROOM_AT_FIRST = 32;
const NONE: ReadonlySet<string> = new Set();

/**
 * The learned hosts of one fence: what was not seen for a window of observed time ages out, and
 * makes room for others, least recently used first.
 *
 * What was seen within its window is never taken out for a newcomer: or a workload that calls many
 * hosts once, on purpose or not, would push the hosts that it needs out of its own fence. The
 * newcomer is turned away then, and its calls go by way of the fallback. What replicas and earlier
 * runs have written is no newcomer: all of it is taken in, since a replica that refused it would
 * take it out of the status again, in turns with the other.
 *
 * Pure: every time is an argument. A process starts with an observed clock at zero and every
 * restored host counts as just seen, so nothing ages before one full window was observed since the
 * start.
 */
export class FenceEdges {
  #policy: AgeingPolicy;
  #hosts: LRUCache<string, Entry>;
  readonly #clock = new ObservedClock();
  #isSeenElsewhere = false;
  /**
   * Shortest window that a host brought along. It is not looked for again when that host leaves:
   * too short a pause errs on the safe side.
   */
  #shortestWindow = Number.POSITIVE_INFINITY;
  /**
   * No host is stale before this observed time. It is too early when a host was seen since, never
   * too late.
   */
  #freshUntil = 0;

  #lastEvicted: string | undefined;

  constructor(policy: AgeingPolicy) {
    this.#policy = policy;
    this.#hosts = new LRUCache({ max: ROOM_AT_FIRST });
  }

  /**
   * Takes over a changed policy. With a smaller `maxHosts`, surplus hosts that were not seen within
   * their window go at once, the others when they age. Beyond `maxHosts` a host that was declared,
   * is declared no more and was never called goes at once too: else each change of a spec could
   * leave thousands of names behind, and where no telemetry flows nothing ages.
   */
  setPolicy(policy: AgeingPolicy): void {
    const { maxHosts, declared = NONE } = this.#policy;
    this.#policy = policy;
    this.#freshUntil = 0;
    let surplus = this.#counted() - policy.maxHosts;
    for (const host of surplus > 0 ? declared : NONE) {
      if (surplus > 0 && !this.#isDeclared(host) && this.#wasNeverCalled(host) && this.#hosts.delete(host)) surplus -= 1;
    }
    for (; policy.maxHosts < maxHosts && surplus > 0; surplus -= 1) {
      const stale = this.#leastRecentStale();
      if (stale === undefined) return;
      this.#hosts.delete(stale);
    }
  }

  /** Telemetry of this workload's proxies arrived, whatever it says. */
  telemetry(now: number): void {
    this.#clock.tick(now, this.#narrowestWindow() / GAP_PARTS);
  }

  /**
   * Another replica got telemetry of this workload's proxies, the last of it at `until`. Whoever
   * ages may be one that gets none itself. What it saw being called is to be told by
   * {@link seenElsewhere} right after, before anything ages.
   */
  observedElsewhere(until: number): void {
    this.#clock.tick(until, this.#narrowestWindow() / GAP_PARTS_ELSEWHERE);
  }

  /**
   * The workload called `host`. `requests` may be 0: a connection that is still open was reported.
   *
   * @returns whether the host is new to the fence, which then has to be rendered again. False also
   * for a newcomer that found no room: see {@link has}
   */
  observe(host: string, port: number, requests: number, now: number): boolean {
    const known = this.#hosts.get(host);
    if (known === undefined) return this.offer({ host, source: "learned", firstSeen: now, lastSeen: now, requests, ports: [port] });
    if (now > known.lastSeen) known.lastSeen = now;
    known.seenAt = this.#clock.elapsed;
    known.requests = addCounts(known.requests, requests);
    if (!known.ports.includes(port)) known.ports = unitePorts(known.ports, [port]);
    return false;
  }

  /**
   * Puts a newcomer in, if there is room for it.
   *
   * @returns whether it was put in; false also when it is there already
   */
  offer(seed: HostSeed): boolean {
    if (this.#hosts.has(seed.host) || !(this.#isDeclared(seed.host) || this.#makeRoom())) return false;
    this.#put(seed);
    return true;
  }

  /**
   * Puts a host in unless it is there, whether there is room or not: one that this fence had
   * before, or that another replica has taken in. It counts as seen just now in observed time, so
   * it stays for one whole window.
   */
  seed(seed: HostSeed): void {
    if (!this.#hosts.has(seed.host)) this.#put(seed);
  }

  /**
   * Another replica saw the workload call the host, no later than `lastSeen`. It counts as seen now
   * in observed time: when it was written we do not know in ours, and to keep a host for a tenth of
   * a window too long is harmless.
   */
  seenElsewhere(host: string, lastSeen: number): void {
    const known = this.#hosts.get(host);
    if (known === undefined || lastSeen <= known.lastSeen) return;
    this.#isSeenElsewhere = true;
    known.lastSeen = lastSeen;
    known.seenAt = this.#clock.elapsed;
  }

  /** Takes a host out, for example because it no longer exists. */
  remove(host: string): void {
    this.#hosts.delete(host);
  }

  /**
   * Removes the hosts that were idle for longer than their window, the longest idle first, and no
   * more of them than the policy's share: should the evidence be wrong, few are hit before someone
   * notices.
   *
   * @returns what was removed
   */
  age(): string[] {
    const idle = [...this.#hosts.values()].filter((entry) => this.#idleFor(entry) > this.#windowOf(entry));
    idle.sort((a, b) => a.seenAt - b.seenAt || (a.host < b.host ? -1 : 1));
    const most = Math.max(1, Math.floor(this.#hosts.size * this.#policy.maxRemovedShare));
    const removed = idle.slice(0, most).map(({ host }) => host);
    for (const host of removed) this.#hosts.delete(host);
    return removed;
  }

  /**
   * Whether the next newcomer would be turned away: as many hosts as there may be were seen within
   * their window.
   */
  get isAtCapacity(): boolean {
    return this.#counted() >= this.#policy.maxHosts && this.#leastRecentStale() === undefined;
  }

  /** Most hosts that calls may bring in. */
  get maxHosts(): number {
    return this.#policy.maxHosts;
  }

  has(host: string): boolean {
    return this.#hosts.has(host);
  }

  /** Every host, by name. */
  hosts(): HostRecord[] {
    return [...this.#hosts.values()]
      .map(({ host, source, firstSeen, lastSeen, requests, ports }) => ({ host, source, firstSeen, lastSeen, requests, ports }))
      .sort((a, b) => (a.host < b.host ? -1 : 1));
  }

  /** The host that last made room for a newcomer; undefined before any did. */
  get lastEvicted(): string | undefined {
    return this.#lastEvicted;
  }

  get size(): number {
    return this.#hosts.size;
  }

  /** Until when this workload is known to have been observed, here or by another replica. */
  get observedUntil(): number | undefined {
    return this.#clock.latest;
  }

  #isDeclared(host: string): boolean {
    return (this.#policy.declared ?? NONE).has(host);
  }

  /**
   * Whether the host is in the book only because someone declared it: neither here nor elsewhere a
   * call of it was seen.
   */
  #wasNeverCalled(host: string): boolean {
    const entry = this.#hosts.peek(host);
    return entry?.source === "static" && entry.ports.length === 0 && entry.lastSeen === entry.firstSeen;
  }

  /** Hosts that take up room. */
  #counted(): number {
    let declared = 0;
    if (this.#hosts.size >= this.#policy.maxHosts)
      for (const host of this.#policy.declared ?? NONE) if (this.#hosts.has(host)) declared += 1;
    return this.#hosts.size - declared;
  }

  #makeRoom(): boolean {
    if (this.#counted() < this.#policy.maxHosts) return true;
    const stale = this.#leastRecentStale();
    if (stale === undefined) return false;
    this.#lastEvicted = stale;
    return this.#hosts.delete(stale);
  }

  /**
   * The host that was not seen for longest, of those that were not seen within their window. After
   * a look at all of them in vain it is known when the next look may find one, so that a flood of
   * newcomers costs no look each.
   */
  #leastRecentStale(): string | undefined {
    if (this.#clock.elapsed <= this.#freshUntil) return undefined;
    let freshUntil = Number.POSITIVE_INFINITY;
    for (const host of this.#hosts.rkeys()) {
      const entry = this.#hosts.peek(host);
      if (entry === undefined || this.#isDeclared(host)) continue;
      if (this.#idleFor(entry) > this.#windowOf(entry)) return host;
      freshUntil = Math.min(freshUntil, entry.seenAt + this.#windowOf(entry));
    }
    this.#freshUntil = freshUntil;
    return undefined;
  }

  #windowOf({ idleWindow }: Entry): number {
    const { shortestWindow = 0 } = this.#policy;
    return Math.max(shortestWindow, idleWindow ?? this.#policy.idleWindow) * (this.#isSeenElsewhere ? 1 + PATIENCE : 1);
  }

  /** A pause must not carry any host over its window. */
  #narrowestWindow(): number {
    return Math.max(this.#policy.shortestWindow ?? 0, Math.min(this.#policy.idleWindow, this.#shortestWindow));
  }

  #idleFor(entry: Entry): number {
    return this.#clock.elapsed - entry.seenAt;
  }

  #put({ requests = 0, ports = [], idleWindow, ...seed }: HostSeed): void {
    this.#shortestWindow = Math.min(this.#shortestWindow, idleWindow ?? Number.POSITIVE_INFINITY);
    if (this.#hosts.size >= this.#hosts.max) this.#hosts = grown(this.#hosts);
    const entry = { ...seed, requests, ports: unitePorts(ports), idleWindow, seenAt: this.#clock.elapsed };
    this.#freshUntil = Math.min(this.#freshUntil, entry.seenAt + this.#windowOf(entry));
    this.#hosts.set(seed.host, entry);
  }
}

/**
 * The same hosts in the same order, and room for as many again: the cache itself must never choose
 * which one leaves.
 */
function grown(hosts: LRUCache<string, Entry>): LRUCache<string, Entry> {
  const larger = new LRUCache<string, Entry>({ max: 2 * hosts.max });
  for (const host of hosts.rkeys()) {
    const entry = hosts.peek(host);
    if (entry !== undefined) larger.set(host, entry);
  }
  return larger;
}
