import { addCounts, areUnited, compareText, unitePorts } from "@fenceline/api/vocabulary";
import type { AgeingPolicy, EdgesSeen, HostEntry, HostRecord, HostSeed, ResetsDone } from "./host-entry.ts";
import { moveTimes, recordOf } from "./host-entry.ts";
import { IdleWindows } from "./idle-windows.ts";
import { ObservedClock } from "./observed-clock.ts";
import { RecentHosts } from "./recent-hosts.ts";
import { Room, wasNeverCalled } from "./room.ts";

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
  readonly #windows: IdleWindows;
  readonly #room: Room;
  /** Hosts that a person declared to age by use, be they in the fence or not. */
  readonly byUse: Pick<IdleWindows, "isByUse" | "hasWildcards">;
  /** The warm-up that was put in last, in short; undefined before any was. */
  warmedUp: string | undefined;
  /** The resets that were done last. */
  resets: ResetsDone = {};
  /**
   * No host is stale before this observed time. It is too early when a host was seen since, never
   * too late.
   */
  #freshUntil = 0;
  #lastEvicted: string | undefined;

  constructor(policy: AgeingPolicy) {
    this.#policy = policy;
    this.#windows = new IdleWindows(policy);
    this.byUse = this.#windows;
    this.#room = new Room(policy);
  }

  /**
   * Takes over a changed policy. With a smaller `maxHosts`, surplus hosts that were not seen within
   * their window leave at once, the others when they age. A surplus host that took no room, because
   * it was declared or of a warm-up with the whole mesh, leaves at once too when it takes some now
   * and was never called. Otherwise each change of a spec could leave thousands of names behind,
   * since nothing ages where no telemetry flows.
   */
  setPolicy(policy: AgeingPolicy): void {
    const { maxHosts } = this.#policy;
    const free = [...this.#hosts.leastRecent()].filter(({ takesRoom }) => !takesRoom);
    this.#policy = policy;
    this.#freshUntil = 0;
    this.#windows.setPolicy(policy);
    for (const host of policy.byUse?.keys() ?? []) {
      const known = this.#hosts.peek(host);
      if (known) known.source = "static";
    }
    this.#room.setPolicy(policy, this.#hosts.leastRecent());
    for (const entry of free) if (this.#room.surplus > 0 && entry.takesRoom && wasNeverCalled(entry)) this.#delete(entry.host);
    while (policy.maxHosts < maxHosts && this.#room.surplus > 0) {
      const stale = this.#leastRecentStale();
      if (stale === undefined) return;
      this.#delete(stale);
    }
  }

  /**
   * Telemetry of this workload's proxies arrived, whatever it told: all until `until` is known.
   *
   * @param now by our own clock; default `until`. Metrics are told of some time after their scrape,
   * between the entries of access logs
   */
  telemetry(until: number, now = until): void {
    this.#setBackTo(now);
    this.#clock.tick(Math.min(until, now), this.#windows.longestGap);
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
    this.#clock.tick(Math.min(until, now), this.#windows.longestGapElsewhere);
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
    moveTimes(known, now);
    known.seenAt = this.#clock.elapsed;
    known.requests = addCounts(known.requests, requests);
    if (port !== undefined && !known.ports.includes(port)) known.ports = unitePorts(known.ports, ports);
    this.#called(known);
    return false;
  }

  /**
   * Puts a newcomer in, if there is room for it.
   *
   * @returns whether it was put in; false also when it is there already
   */
  offer(seed: HostSeed): boolean {
    if (this.#hosts.has(seed.host) || !(this.#room.isFree(seed) || this.#makeRoom())) return false;
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
    const known = this.#hosts.peek(host);
    if (known === undefined || lastSeen <= known.lastSeen) return;
    this.#windows.seenElsewhere();
    this.#hosts.use(host);
    known.lastSeen = lastSeen;
    known.seenAt = this.#clock.elapsed;
    this.#called(known);
  }

  /** Somebody says when a host was last called: at `at`, which is not after `now`. */
  calledAt(host: string, at: number, now: number): void {
    const known = this.#hosts.peek(host);
    if (known === undefined || at <= known.lastSeen) return;
    known.lastSeen = at;
    known.seenAt = Math.max(known.seenAt, this.#clock.elapsed - (now - at));
    this.#called(known);
  }

  /**
   * The host, if it is there, stays for at least so long when nobody calls it: it was preloaded.
   *
   * @param isSeenNow whether that begins now; else with its last call. Default false
   */
  extend(host: string, idleWindow: number, isSeenNow = false): void {
    const known = this.#hosts.peek(host);
    if (known === undefined) return;
    if (idleWindow > (known.idleWindow ?? this.#policy.idleWindow)) known.idleWindow = idleWindow;
    if (isSeenNow) known.seenAt = this.#clock.elapsed;
  }

  /** Removes a host, for example because it no longer exists. */
  remove(host: string): void {
    this.#delete(host);
  }

  /**
   * Removes hosts that were idle for longer than their window, the longest idle first: in observed
   * time, then, since a restart knows none, by their last call. One round removes no more than the
   * policy's share: if the telemetry is wrong, few hosts are lost before someone notices.
   *
   * @returns what was removed
   */
  age(): string[] {
    // The sort keeps the order of use where times are equal.
    const idle = [...this.#hosts.leastRecent()].filter((entry) => this.#idleFor(entry) > this.#windows.of(entry));
    idle.sort((a, b) => a.seenAt - b.seenAt || a.lastSeen - b.lastSeen);
    const most = Math.max(1, Math.floor(this.#hosts.size * this.#policy.maxRemovedShare));
    const removed = idle.slice(0, most).map(({ host }) => host);
    for (const host of removed) this.#delete(host);
    return removed;
  }

  /**
   * Whether the next newcomer would be turned away: there are `maxHosts` hosts, and each was seen
   * within its window.
   */
  get isAtCapacity(): boolean {
    return this.#room.surplus >= 0 && this.#leastRecentStale() === undefined;
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
    const { observedUntil, isAtCapacity, maxHosts, warmedUp, resets } = this;
    return { hosts: this.hosts(), observedUntil, isAtCapacity, maxHosts, warmedUp, resets, byUse: this.#policy.byUse };
  }

  /** Every host, by name. */
  hosts(): HostRecord[] {
    return [...this.#hosts.values().map(recordOf)].sort((a, b) => compareText(a.host, b.host));
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

  #setBackTo(now: number): void {
    if (this.#clock.setBack(now)) this.#hosts.setBack(now);
  }

  #makeRoom(): boolean {
    if (this.#room.surplus < 0) return true;
    const stale = this.#leastRecentStale();
    if (stale !== undefined) this.#lastEvicted = stale;
    return stale !== undefined && this.#delete(stale);
  }

  #called(entry: HostEntry): void {
    this.#clock.seen(entry.lastSeen);
    if (this.#room.called(entry)) this.#mayBeStale(entry);
  }

  #mayBeStale(entry: HostEntry): void {
    this.#freshUntil = Math.min(this.#freshUntil, entry.seenAt + this.#windows.of(entry));
  }

  #delete(host: string): boolean {
    const entry = this.#hosts.peek(host);
    if (entry !== undefined) this.#room.left(entry);
    return this.#hosts.delete(host);
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
      if (!entry.takesRoom) continue;
      if (this.#idleFor(entry) > this.#windows.of(entry)) return entry.host;
      freshUntil = Math.min(freshUntil, entry.seenAt + this.#windows.of(entry));
    }
    this.#freshUntil = freshUntil;
    return undefined;
  }

  #idleFor(entry: HostEntry): number {
    return this.#clock.elapsed - entry.seenAt;
  }

  #put({ host, source: given, firstSeen, lastSeen, requests = 0, ports = [], idleWindow: own, idleFor = 0 }: HostSeed): void {
    const { byUse, preloadedFor } = this.#policy;
    const source = byUse?.has(host) === true ? "static" : given;
    const idleWindow = own ?? (source === "preloaded" ? preloadedFor : undefined);
    if (idleWindow !== undefined) this.#windows.came(idleWindow);
    // No longer than its window, so that it stays until something is observed.
    const seenAt = this.#clock.elapsed - Math.min(idleFor, this.#windows.of({ host, idleWindow }));
    const united = areUnited(ports) ? ports : unitePorts(ports);
    // Named one by one: a spread would keep every field beside the object, at twice the memory.
    const entry: HostEntry = { host, source, firstSeen, lastSeen, requests, ports: united, idleWindow, seenAt, takesRoom: true };
    this.#clock.seen(lastSeen);
    this.#hosts.put(entry);
    this.#room.put(entry);
    this.#mayBeStale(entry);
  }
}
