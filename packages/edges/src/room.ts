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

  /** Hosts beyond `maxHosts`; 0 where the next one would be, less where there is room. */
  get surplus(): number {
    return this.#taken - this.#policy.maxHosts;
  }

  isDeclared(host: string): boolean {
    return (this.#policy.declared ?? NONE).has(host);
  }

  /** Whether such a host finds room without taking any. */
  isFree(entry: Called): boolean {
    return this.isDeclared(entry.host) || (this.#policy.preloadsAll === true && entry.source === "preloaded" && wasNeverCalled(entry));
  }

  put(entry: HostEntry): void {
    entry.takesRoom = !this.isFree(entry);
    if (entry.takesRoom) this.#taken += 1;
  }

  /**
   * A host was called: one that was preloaded is as good as learned.
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
 * Whether a host is in the book only because a person named it: no call of it was seen, neither
 * here nor by another replica.
 */
export function wasNeverCalled({ source, ports = [], firstSeen, lastSeen }: Called): boolean {
  return (source === "static" || source === "preloaded") && ports.length === 0 && lastSeen === firstSeen;
}
