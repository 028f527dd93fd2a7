import type { AgeingPolicy, HostEntry } from "./host-entry.ts";

/**
 * A pause in the telemetry counts as observed time up to this part of the window, so that hosts of
 * a workload that calls once an hour age under a day's window too.
 */
const GAP_PARTS = 20;
/** The same between two reports of another replica, which writes one every tenth of a window. */
const GAP_PARTS_ELSEWHERE = 10;
/**
 * Part of its window by which a host stays longer while another replica sees calls of the workload.
 * This replica is told of those calls up to that much later.
 */
const LATE_REPORTS = 0.2;

/** How long each host of a fence may go unseen, in milliseconds of observed time. */
export class IdleWindows {
  #policy: AgeingPolicy;
  /**
   * The shortest window of a host that was added with its own. It stays when that host is removed:
   * if a pause counts for too little, that does no harm.
   */
  #shortestOfHosts = Number.POSITIVE_INFINITY;
  /** The same for hosts that a person declared. */
  #shortestDeclared = Number.POSITIVE_INFINITY;
  #isSeenElsewhere = false;
  /** Whether some of the hosts by use stand for several: `<namespace>/*` and `*.<domain>`. */
  hasWildcards = false;

  constructor(policy: AgeingPolicy) {
    this.#policy = policy;
    this.setPolicy(policy);
  }

  setPolicy(policy: AgeingPolicy): void {
    this.#policy = policy;
    this.#shortestDeclared = Number.POSITIVE_INFINITY;
    this.hasWildcards = [...(policy.byUse?.keys() ?? [])].some((host) => host.includes("*"));
    for (const window of policy.byUse?.values() ?? [])
      this.#shortestDeclared = Math.min(this.#shortestDeclared, window ?? policy.idleWindow);
  }

  /** Whether a person declared the host to age by use. */
  isByUse(host: string): boolean {
    return this.#policy.byUse?.has(host) === true;
  }

  /** A host was added with its own window. */
  came(idleWindow: number): void {
    this.#shortestOfHosts = Math.min(this.#shortestOfHosts, idleWindow);
  }

  /** Another replica sees calls of the workload. */
  seenElsewhere(): void {
    this.#isSeenElsewhere = true;
  }

  /** The window that a person declared for the host, else the host's own, else that for all. */
  of({ host, idleWindow }: Pick<HostEntry, "host" | "idleWindow">): number {
    const { shortestWindow = 0, byUse } = this.#policy;
    const window = byUse?.get(host) ?? idleWindow ?? this.#policy.idleWindow;
    return Math.max(shortestWindow, window) * (this.#isSeenElsewhere ? 1 + LATE_REPORTS : 1);
  }

  /** How much of a pause in the telemetry counts. */
  get longestGap(): number {
    return this.#narrowest / GAP_PARTS;
  }

  /** How much of a pause between two reports of another replica counts. */
  get longestGapElsewhere(): number {
    return this.#narrowest / GAP_PARTS_ELSEWHERE;
  }

  /** The shortest window of any host: a pause must not carry a host over its window. */
  get #narrowest(): number {
    const { shortestWindow = 0, idleWindow } = this.#policy;
    return Math.max(shortestWindow, Math.min(idleWindow, this.#shortestOfHosts, this.#shortestDeclared));
  }
}
