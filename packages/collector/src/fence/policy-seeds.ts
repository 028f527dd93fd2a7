import { type FenceKey, fenceKeyOf, formatFenceKey, type ServiceFence } from "@fenceline/api";
import type { EdgeBook } from "@fenceline/edges";
import type { MeshChanges } from "@fenceline/store";
import type { FenceListener } from "../fence-telemetry.ts";
import type { Mesh } from "../mesh.ts";

/** Dependencies of {@link PolicySeeds}, and whom they tell. */
export interface PolicySeedsOptions {
  readonly book: EdgeBook;
  readonly mesh: () => Mesh;
  /** Milliseconds of the wall clock. */
  readonly now: () => number;
  /** Whether fences are seeded at all. */
  readonly isOn: boolean;
  /** Name of the service account of a fence's pods, where it is known. */
  readonly serviceAccountOf: (fence: FenceKey) => string | undefined;
  /** A fence has new hosts. */
  readonly onSeeded: (fence: FenceKey, hosts: readonly string[]) => void;
  /** A fence has no room for a host. */
  readonly onTurnedAway: (fence: FenceKey, host: string) => void;
}

/** What is known of a fence. */
interface Seeded {
  /** Whether its workload was observed before this process started to know it. */
  readonly isObserved: boolean;
  /** Hosts that were added, or for which there was no room. */
  readonly hosts: Set<string>;
}

/**
 * The part of a fence's room that may be used. Anybody may write a policy that names anybody, and
 * the hosts that are called need room, too.
 */
const PART_OF_ROOM = 1 / 4;

/**
 * Adds Services to fences whose pods are named as callers in AuthorizationPolicies, each once. A
 * host that nobody calls ages out as if it had been called when it was added, and is not added
 * again.
 *
 * A fence that was observed before has learned what its workload calls, and what aged out of it
 * must not come back with each start. For such a fence only policies count that come or change
 * after the start.
 */
export class PolicySeeds implements Partial<FenceListener> {
  readonly #fences = new Map<string, Seeded>();
  /** Fences to look at, one in each turn of the event loop: there may be thousands. */
  readonly #due = new Map<string, FenceKey>();
  #turn: NodeJS.Immediate | undefined;
  readonly #options: PolicySeedsOptions;

  constructor(options: PolicySeedsOptions) {
    this.#options = options;
  }

  /** A fence has its page in the book. */
  opened(fence: ServiceFence): void {
    const key = fenceKeyOf(fence);
    const isObserved = fence.status.observedUntil !== undefined || this.#options.book.of(key)?.observedUntil !== undefined;
    this.#fences.set(formatFenceKey(key), { isObserved, hosts: new Set() });
    this.#seed(key);
  }

  /** Policies or Services have changed, and the mesh knows it. */
  changed(changes: Pick<MeshChanges, "of">): void {
    const mesh = this.#options.mesh();
    for (const namespace of mesh.calls.namespacesNamed(changes))
      for (const fence of mesh.fencesIn(namespace)) this.#seedSoon(fenceKeyOf(fence));
  }

  /** The first telemetry shows the service account. */
  proxiesChanged(key: FenceKey): void {
    this.#seed(key);
  }

  podsChanged(key: FenceKey): void {
    this.#seed(key);
  }

  /** A fence is gone. */
  forget(key: FenceKey): void {
    this.#fences.delete(formatFenceKey(key));
  }

  close(): void {
    clearImmediate(this.#turn);
    this.#due.clear();
  }

  #seedSoon(key: FenceKey): void {
    if (!this.#options.isOn) return;
    this.#due.set(formatFenceKey(key), key);
    this.#turn ??= setImmediate(() => this.#next());
  }

  #next(): void {
    const [first] = this.#due;
    this.#turn = undefined;
    if (first === undefined) return;
    const [name, key] = first;
    this.#due.delete(name);
    if (this.#due.size > 0) this.#turn = setImmediate(() => this.#next());
    this.#seed(key);
  }

  #seed(key: FenceKey): void {
    const { book, mesh, now, isOn, serviceAccountOf, onSeeded, onTurnedAway } = this.#options;
    const seeded = this.#fences.get(formatFenceKey(key));
    const edges = book.of(key);
    if (!isOn || seeded === undefined || edges === undefined) return;
    const caller = { namespace: key.namespace, serviceAccount: serviceAccountOf(key) };
    const added: string[] = [];
    const most = Math.max(1, Math.floor(edges.maxHosts * PART_OF_ROOM));
    let left: string | undefined;
    for (const host of mesh().calls.namedHosts(caller, seeded.isObserved)) {
      if (seeded.hosts.has(host)) continue;
      if (seeded.hosts.size >= most) break;
      seeded.hosts.add(host);
      const isNew = edges.offer({ host, source: "preloaded", firstSeen: now(), lastSeen: now() });
      if (isNew) added.push(host);
      else if (!edges.has(host)) left ??= host;
    }
    if (added.length > 0) onSeeded(key, added);
    if (left !== undefined) onTurnedAway(key, left);
  }
}
