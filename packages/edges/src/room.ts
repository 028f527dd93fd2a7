import type { AgeingPolicy, HostEntry } from "./host-entry.ts";

const NONE: ReadonlySet<string> = new Set();

/** How many hosts of a fence count against `maxHosts`. */
export class Room {
  #policy: AgeingPolicy;
  #taken = 0;

  constructor(policy: AgeingPolicy) {
    this.#policy = policy;
  }

  setPolicy(policy: AgeingPolicy, entries: Iterable<HostEntry>): void {
    this.#policy = policy;
    this.#taken = 0;
    for (const entry of entries) this.put(entry);
  }

  /** Number of hosts beyond `maxHosts`; 0 if the next one would be, less if there is room. */
  get surplus(): number {
    return this.#taken - this.#policy.maxHosts;
  }

  isDeclared(host: string): boolean {
    return (this.#policy.declared ?? NONE).has(host);
  }

  /** Whether there is always room for such a host, and it takes none. */
  isFree(entry: Called): boolean {
    return this.isDeclared(entry.host) || (this.#policy.preloadsAll === true && entry.source === "preloaded" && wasNeverCalled(entry));
  }

  put(entry: HostEntry): void {
    entry.takesRoom = !this.isFree(entry);
    if (entry.takesRoom) this.#taken += 1;
  }

  /**
   * A host was called. A preloaded host counts as learned now.
   *
   * @returns whether it takes room from now on
   */
  called(entry: HostEntry): boolean {
    if (entry.takesRoom) return false;
    this.put(entry);
    return entry.takesRoom;
  }

  left(entry: HostEntry): void {
    if (entry.takesRoom) this.#taken -= 1;
  }
}

type Called = Pick<HostEntry, "host" | "source" | "firstSeen" | "lastSeen"> & { readonly ports?: readonly number[] };

/**
 * Whether a host is in the book only because a person named it: neither this replica nor another
 * one has seen a call to it.
 */
export function wasNeverCalled({ source, ports = [], firstSeen, lastSeen }: Called): boolean {
  return (source === "static" || source === "preloaded") && ports.length === 0 && lastSeen === firstSeen;
}
