import { addCounts, areUnited, compareText, unitePorts } from "@fenceline/api/vocabulary";
import type { AgeingPolicy, EdgesSeen, HostEntry, HostRecord, HostSeed, ResetsDone } from "./host-entry.ts";
import { moveTimes, recordOf } from "./host-entry.ts";
import { IdleWindows } from "./idle-windows.ts";
import { ObservedClock } from "./observed-clock.ts";
import { RecentHosts } from "./recent-hosts.ts";
import { Room, wasNeverCalled } from "./room.ts";

/**
 * The learned hosts of one fence. A host that was not seen for a window of observed time ages out.
 * When room is needed, such hosts are removed, the least recently used first.
 *
 * A host that was seen within its window is never removed for a new one. Otherwise a workload that
 * calls many hosts once, on purpose or not, would remove the hosts that it needs from its own
 * fence. The new host is not learned, and calls to it use the fallback. Hosts that replicas or
 * earlier runs have written are not new: all of them are taken over. If a replica did not take one
 * over, it would remove it from the status, and the other replica would write it again.
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
  /** Hosts that a person declared to age by use, whether or not they are in the fence. */
  readonly byUse: Pick<IdleWindows, "isByUse" | "hasWildcards">;
  /** The warm-up that was added last, in short form; undefined before any was. */
  warmedUp: string | undefined;
  /** The resets that were done last. */
  resets: ResetsDone = {};
  /**
   * No host is stale before this observed time. It may be too early, if a host was seen since, but
   * never too late.
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
   * their window are removed at once, the others when they age. A host may have taken no room
   * because it was declared or came from a warm-up with the whole mesh. If it takes some now, is
   * surplus and was never called, it is removed at once too. Otherwise each change of a spec could
   * leave thousands of names behind, since nothing ages without telemetry.
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
   * Telemetry of this workload's proxies arrived, whatever its content: all until `until` is known.
   *
   * @param now by our own clock; default `until`. Metrics arrive after their scrape, between access
   * logs
   */
  telemetry(until: number, now = until): void {
    this.#setBackTo(now);
    this.#clock.tick(Math.min(until, now), this.#windows.longestGap);
  }

  /**
   * Another replica got telemetry of this workload's proxies, the last of it at `until`. The
   * replica that ages hosts may get none itself. Call {@link seenElsewhere} for the hosts that the
   * other replica saw directly after this, before anything ages.
   *
   * @param now by our own clock; default `until`. The other's clock may be ahead of it
   */
  observedElsewhere(until: number, now = until): void {
    this.#setBackTo(now);
    this.#clock.tick(Math.min(until, now), this.#windows.longestGapElsewhere);
  }

  /**
   * The workload called `host`. `requests` is 0 for a report of a connection that is still open.
   * `port` is undefined where it is not known.
   *
   * @returns whether the host is new to the fence, which then has to be rendered again. Also false
   * for a new host for which there was no room: {@link has} tells the two apart
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
   * Adds a new host, if there is room for it.
   *
   * @returns whether it was added; false also when it exists already
   */
  offer(seed: HostSeed): boolean {
    if (this.#hosts.has(seed.host) || !(this.#room.isFree(seed) || this.#makeRoom())) return false;
    this.#put(seed);
    return true;
  }

  /**
   * Adds a host unless it exists, whether or not there is room. Meant for a host that this fence
   * had before, or that another replica has taken over. It counts as seen now in observed time, so
   * it stays for one whole window.
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

  /** A person tells when a host was last called: at `at`, which is not after `now`. */
  calledAt(host: string, at: number, now: number): void {
    const known = this.#hosts.peek(host);
    if (known === undefined || at <= known.lastSeen) return;
    known.lastSeen = at;
    known.seenAt = Math.max(known.seenAt, this.#clock.elapsed - (now - at));
    this.#called(known);
  }

  /**
   * If the host exists, it stays for at least this long without a call: it was preloaded.
   *
   * @param isSeenNow whether the time begins now; else with its last call. Default false
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
   * time, then by their last call, since a restart knows no observed time. One round removes at
   * most the policy's share: if the telemetry is wrong, few hosts are lost before someone notices.
   *
   * @returns the removed hosts
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
   * Whether there is no room for a new host: there are `maxHosts` hosts, and each was seen within
   * its window.
   */
  get isAtCapacity(): boolean {
    return this.#room.surplus >= 0 && this.#leastRecentStale() === undefined;
  }

  /** Most hosts that calls may add. */
  get maxHosts(): number {
    return this.#policy.maxHosts;
  }

  has(host: string): boolean {
    return this.#hosts.has(host);
  }

  /** The current state. */
  seen(): EdgesSeen {
    const { observedUntil, isAtCapacity, maxHosts, warmedUp, resets } = this;
    return { hosts: this.hosts(), observedUntil, isAtCapacity, maxHosts, warmedUp, resets, byUse: this.#policy.byUse };
  }

  /** Every host, by name. */
  hosts(): HostRecord[] {
    return [...this.#hosts.values().map(recordOf)].sort((a, b) => compareText(a.host, b.host));
  }

  /** The host that was last removed for a new one; undefined before any was. */
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
   * The least recently used host that was not seen within its window. A search without a result
   * finds out when the next search may have one, so that many new hosts do not cost one search
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
    // Not longer than its window, so that it stays until something is observed.
    const seenAt = this.#clock.elapsed - Math.min(idleFor, this.#windows.of({ host, idleWindow }));
    const united = areUnited(ports) ? ports : unitePorts(ports);
    // Field by field: a spread would keep every field beside the object, at twice the memory.
    const entry: HostEntry = { host, source, firstSeen, lastSeen, requests, ports: united, idleWindow, seenAt, takesRoom: true };
    this.#clock.seen(lastSeen);
    this.#hosts.put(entry);
    this.#room.put(entry);
    this.#mayBeStale(entry);
  }
}
