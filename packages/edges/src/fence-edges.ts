import { addCounts, areUnited, unitePorts } from "@fenceline/api/vocabulary";
import type { AgeingPolicy, EdgesSeen, HostEntry, HostRecord, HostSeed } from "./host-entry.ts";
import { ObservedClock } from "./observed-clock.ts";
import { RecentHosts } from "./recent-hosts.ts";

/**
 * A pause in the telemetry counts as observed time up to this part of the window: hosts of a
 * workload that calls once an hour must age under a day's window too.
 */
const GAP_PARTS = 20;
/** The same between two reports of another replica, which writes one every tenth of a window. */
const GAP_PARTS_ELSEWHERE = 10;
/**
 * Part of its window that a host gets on top while another replica sees calls of the workload. The
 * calls that the other replica sees are told here up to that much later.
 */
const LATE_REPORTS = 0.2;

/** How far clocks may be apart, in milliseconds, as where statuses are merged. */
const CLOCK_SKEW = 5 * 60_000;

const NONE: ReadonlySet<string> = new Set();

/**
 * The learned hosts of one fence. A host that was not seen for a window of observed time ages out;
 * when room is needed, such hosts leave, least recently used first.
 *
 * A host that was seen within its window is never removed for a newcomer. Otherwise a workload that
 * calls many hosts once, on purpose or not, would push the hosts that it needs out of its own
 * fence. The newcomer is turned away, and its calls go to the fallback. Hosts that replicas or
 * earlier runs have written are no newcomers: all of them are taken in. A replica that refused one
 * would remove it from the status, and the other replica would write it again.
 *
 * Pure: every time is an argument. A process starts with an observed clock at zero, and every
 * restored host counts as just seen, so nothing ages before one full window was observed since the
 * start.
 */
export class FenceEdges {
  #policy: AgeingPolicy;
  readonly #hosts = new RecentHosts();
  readonly #clock = new ObservedClock();
  #isSeenElsewhere = false;
  /**
   * Shortest window that a host came with. It stays when that host leaves: a pause that counts for
   * too little is the safe error.
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
  }

  /**
   * Takes over a changed policy. With a smaller `maxHosts`, surplus hosts that were not seen within
   * their window leave at once, the others when they age. A surplus host that was declared, is not
   * declared any more and was never called leaves at once too. Otherwise each change of a spec
   * could leave thousands of names behind, since nothing ages where no telemetry flows.
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

  /** Telemetry of this workload's proxies arrived, whatever it told. */
  telemetry(now: number): void {
    this.#setBackTo(now);
    this.#clock.tick(now, this.#narrowestWindow() / GAP_PARTS);
  }

  /**
   * Another replica got telemetry of this workload's proxies, the last of it at `until`. The
   * replica that ages hosts may get none itself. Call {@link seenElsewhere} for the hosts that the
   * other replica saw right after this, before anything ages.
   *
   * @param now by our own clock; default `until`. The other's may be ahead of it
   */
  observedElsewhere(until: number, now = until): void {
    this.#setBackTo(now);
    this.#clock.tick(Math.min(until, now), this.#narrowestWindow() / GAP_PARTS_ELSEWHERE);
  }

  /**
   * The workload called `host`. `requests` may be 0: a connection that is still open was reported.
   * `port` is undefined where it is not known.
   *
   * @returns whether the host is new to the fence, which then has to be rendered again. Also false
   * for a newcomer that found no room: {@link has} tells the two apart
   */
  observe(host: string, port: number | undefined, requests: number, now: number): boolean {
    const known = this.#hosts.use(host);
    const ports = port === undefined ? [] : [port];
    if (known === undefined) return this.offer({ host, source: "learned", firstSeen: now, lastSeen: now, requests, ports });
    // One that is late is no news. One that is far behind tells that a clock was ahead before.
    if (now > known.lastSeen || known.lastSeen - now > CLOCK_SKEW) known.lastSeen = now;
    known.firstSeen = Math.min(known.firstSeen, known.lastSeen);
    known.seenAt = this.#clock.elapsed;
    known.requests = addCounts(known.requests, requests);
    if (port !== undefined && !known.ports.includes(port)) known.ports = unitePorts(known.ports, ports);
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
   * Puts a host in unless it is there, whether there is room or not. Meant for a host that this
   * fence had before, or that another replica has taken in. It counts as seen now in observed time,
   * so it stays for one whole window.
   */
  seed(seed: HostSeed): void {
    if (!this.#hosts.has(seed.host)) this.#put(seed);
  }

  /**
   * Another replica saw the workload call the host, the last time at `lastSeen`. It counts as seen
   * now in observed time. Our observed clock does not tell when the call was, and a host may stay a
   * tenth of a window too long without harm.
   */
  seenElsewhere(host: string, lastSeen: number): void {
    const known = this.#hosts.use(host);
    if (known === undefined || lastSeen <= known.lastSeen) return;
    this.#isSeenElsewhere = true;
    known.lastSeen = lastSeen;
    known.seenAt = this.#clock.elapsed;
  }

  /** Removes a host, for example because it no longer exists. */
  remove(host: string): void {
    this.#hosts.delete(host);
  }

  /**
   * Removes hosts that were idle for longer than their window, the longest idle first. One round
   * removes no more than the policy's share: if the telemetry is wrong, few hosts are lost before
   * someone notices.
   *
   * @returns what was removed
   */
  age(): string[] {
    const idle = this.#hosts.values().filter((entry) => this.#idleFor(entry) > this.#windowOf(entry));
    idle.sort((a, b) => a.seenAt - b.seenAt || (a.host < b.host ? -1 : 1));
    const most = Math.max(1, Math.floor(this.#hosts.size * this.#policy.maxRemovedShare));
    const removed = idle.slice(0, most).map(({ host }) => host);
    for (const host of removed) this.#hosts.delete(host);
    return removed;
  }

  /**
   * Whether the next newcomer would be turned away: there are `maxHosts` hosts, and each was seen
   * within its window.
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

  /** What is true of them now. */
  seen(): EdgesSeen {
    const { observedUntil, isAtCapacity, maxHosts } = this;
    return { hosts: this.hosts(), observedUntil, isAtCapacity, maxHosts };
  }

  /** Every host, by name. */
  hosts(): HostRecord[] {
    return this.#hosts
      .values()
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

  /** The last time at which this workload was observed, here or by another replica. */
  get observedUntil(): number | undefined {
    return this.#clock.latest;
  }

  /**
   * What a clock that was wrong saw in the future was seen now: nothing later would count until
   * then.
   */
  #setBackTo(now: number): void {
    if (!this.#clock.setBack(now)) return;
    for (const entry of this.#hosts.values()) {
      entry.lastSeen = Math.min(entry.lastSeen, now);
      entry.firstSeen = Math.min(entry.firstSeen, now);
    }
  }

  #isDeclared(host: string): boolean {
    return (this.#policy.declared ?? NONE).has(host);
  }

  /**
   * Whether the host is in the book only because it was declared: no call of it was seen, neither
   * here nor by another replica.
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
   * The least recently used host that was not seen within its window. A search that finds none
   * learns when the next search may find one, so that a flood of newcomers does not cost one search
   * each.
   */
  #leastRecentStale(): string | undefined {
    if (this.#clock.elapsed <= this.#freshUntil) return undefined;
    let freshUntil = Number.POSITIVE_INFINITY;
    for (const entry of this.#hosts.leastRecent()) {
      if (this.#isDeclared(entry.host)) continue;
      if (this.#idleFor(entry) > this.#windowOf(entry)) return entry.host;
      freshUntil = Math.min(freshUntil, entry.seenAt + this.#windowOf(entry));
    }
    this.#freshUntil = freshUntil;
    return undefined;
  }

  #windowOf({ idleWindow }: HostEntry): number {
    const { shortestWindow = 0 } = this.#policy;
    return Math.max(shortestWindow, idleWindow ?? this.#policy.idleWindow) * (this.#isSeenElsewhere ? 1 + LATE_REPORTS : 1);
  }

  /** The shortest window of any host: a pause must not carry a host over its window. */
  #narrowestWindow(): number {
    return Math.max(this.#policy.shortestWindow ?? 0, Math.min(this.#policy.idleWindow, this.#shortestWindow));
  }

  #idleFor(entry: HostEntry): number {
    return this.#clock.elapsed - entry.seenAt;
  }

  #put({ host, source, firstSeen, lastSeen, requests = 0, ports = [], idleWindow }: HostSeed): void {
    this.#shortestWindow = Math.min(this.#shortestWindow, idleWindow ?? Number.POSITIVE_INFINITY);
    // Named one by one: a spread would keep every field beside the object, at twice the memory.
    const seenAt = this.#clock.elapsed;
    const united = areUnited(ports) ? ports : unitePorts(ports);
    const entry: HostEntry = { host, source, firstSeen, lastSeen, requests, ports: united, idleWindow, seenAt };
    this.#freshUntil = Math.min(this.#freshUntil, entry.seenAt + this.#windowOf(entry));
    this.#hosts.put(entry);
  }
}
