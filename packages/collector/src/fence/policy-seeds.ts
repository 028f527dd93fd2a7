import { type FenceKey, fenceKeyOf, formatFenceKey, type ServiceFence } from "@fenceline/api";
import type { EdgeBook } from "@fenceline/edges";
import type { MeshChanges } from "@fenceline/store";
import type { FenceListener } from "../fence-telemetry.ts";
import type { Mesh } from "../mesh.ts";

/** What {@link PolicySeeds} work with, and whom they tell. */
export interface PolicySeedsOptions {
  readonly book: EdgeBook;
  readonly mesh: () => Mesh;
  /** Milliseconds of the wall clock. */
  readonly now: () => number;
  /** Whether fences are seeded at all. */
  readonly isOn: boolean;
  /** Name of the service account of a fence's pods, where it is known. */
  readonly serviceAccountOf: (fence: FenceKey) => string | undefined;
  /** A fence has hosts that it did not have before. */
  readonly onSeeded: (fence: FenceKey, hosts: readonly string[]) => void;
  /** A fence has no room for a host. */
  readonly onTurnedAway: (fence: FenceKey, host: string) => void;
}

/** What is known of a fence. */
interface Seeded {
  /** Whether its workload was observed before this process knew it. */
  readonly isObserved: boolean;
  /** Hosts that were put in, or found no room. */
  readonly hosts: Set<string>;
}

/**
 * Part of a fence's room that may be taken: anybody may write a policy that names anybody, and what
 * is called needs room, too.
 */
const PART_OF_ROOM = 1 / 4;

/**
 * Puts Services into fences whose AuthorizationPolicies name the callers, each once: what nobody
 * calls ages out as if it had been called then, and stays away.
 *
 * A fence that was observed before has learned what its workload calls, and what aged out of it
 * must not come back with each start: there only policies count that come or change from then on.
 */
export class PolicySeeds implements Partial<FenceListener> {
  readonly #fences = new Map<string, Seeded>();
  /** Fences that are looked at next, one in each turn of the event loop: there may be thousands. */
  readonly #due = new Map<string, FenceKey>();
  #turn: NodeJS.Immediate | undefined;
  readonly #options: PolicySeedsOptions;

  constructor(options: PolicySeedsOptions) {
    this.#options = options;
  }

  /** A fence has a page in the book now. */
  opened(fence: ServiceFence): void {
    const key = fenceKeyOf(fence);
    const isObserved = fence.status.observedUntil !== undefined || this.#options.book.of(key)?.observedUntil !== undefined;
    this.#fences.set(formatFenceKey(key), { isObserved, hosts: new Set() });
    this.#seed(key);
  }

  /** Policies or Services are others, and the mesh knows them. */
  changed(changes: Pick<MeshChanges, "of">): void {
    const mesh = this.#options.mesh();
    for (const namespace of mesh.calls.namespacesNamed(changes))
      for (const fence of mesh.fencesIn(namespace)) this.#seedSoon(fenceKeyOf(fence));
  }

  /** Its first telemetry tells the service account. */
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
