import {
  type Config,
  type FenceKey,
  fenceRef,
  formatFenceKey,
  isOfStatus,
  type ObjectChange,
  objectOf,
  SERVICE_FENCE,
  type ServiceFence,
  type ServiceFenceStatus,
} from "@fenceline/api";
import { Controller, desiredOf } from "@fenceline/control";
import type { EdgeBook } from "@fenceline/edges";
import type { TcpLists } from "@fenceline/registry";
import { nextDeadline } from "@fenceline/render";
import type { MeshChanges, Store } from "@fenceline/store";
import type { Logger } from "pino";
import type { Mesh, MeshConfiguration } from "../mesh.ts";
import type { CollectorMetrics } from "../metrics.ts";
import { FenceReconciler } from "./fence-reconciler.ts";
import type { FenceState } from "./fence-state.ts";
import { FenceStates } from "./fence-states.ts";
import { differsInSubstance } from "./status.ts";

/** What a {@link FenceController} works with. */
export interface FenceControllerOptions {
  readonly store: Store;
  readonly book: EdgeBook;
  readonly mesh: () => Mesh;
  readonly config: Config;
  readonly metrics: CollectorMetrics;
  readonly logger: Logger;
  /** Milliseconds of the wall clock. */
  readonly now: () => number;
  /**
   * Whether this replica alone ages and renders; the others only learn, and write what they learned
   * into the status.
   */
  readonly leads: () => boolean;
  /** Whether the fallback can answer. */
  readonly fallbackReady: (mesh: Mesh) => boolean;
  /** The versions of Istio that a fence's proxies run, as far as they are known. */
  readonly proxyVersions: (fence: FenceKey) => readonly string[];
}

/** What every fence reads. */
interface Common {
  readonly tcp: TcpLists;
  readonly fallbackReady: boolean;
  readonly config: MeshConfiguration;
}

/**
 * Pause between two looks at every fence, in milliseconds, as the controllers of Kubernetes have
 * it: should a change have been missed, it is made good then.
 */
const REFRESH_PAUSE = 600_000;
/** And between two looks for what is left of fences that are gone. */
const SWEEP_PAUSE = 10_000;

/**
 * Keeps each fence's rendered objects and status what its spec and its edges say. The loop is that
 * of every kind ({@link Controller}); here is what sets it going: fences that come and go, hosts
 * that are learned, and time.
 */
export class FenceController {
  readonly #options: FenceControllerOptions;
  readonly #states: FenceStates;
  readonly #reconciler: FenceReconciler;
  readonly #controller: Controller;
  #common: Common;
  #refreshedAt = Number.NEGATIVE_INFINITY;
  #sweptAt = Number.NEGATIVE_INFINITY;

  constructor(options: FenceControllerOptions) {
    this.#options = options;
    this.#states = new FenceStates({ ...options, onTurnedAway: (key, host) => this.turnedAway(key, host) });
    this.#reconciler = new FenceReconciler({
      ...options,
      state: (key) => this.#states.get(key),
      obstacles: (of) => this.#controller.obstacles(of),
      onGone: (key) => this.#states.forget(key),
      onRendered: (milliseconds) => options.metrics.learnToRender.observe(milliseconds / 1_000),
    });
    this.#controller = new Controller(options);
    this.#controller.add(this.#reconciler);
    this.#common = this.#commonNow();
  }

  /** Looks at every fence, and at what is left of fences that are gone. */
  refresh(): void {
    this.#common = this.#commonNow();
    this.#refreshedAt = performance.now();
    for (const fence of this.#options.mesh().fences()) this.#states.open(fence);
    for (const { key } of this.#states.all()) this.enqueue(key);
    this.#sweep();
  }

  /** Takes over what changed: looks at the fences that it concerns. */
  changed(changes: MeshChanges): void {
    const common = this.#commonNow();
    const isTcp = common.tcp !== this.#common.tcp;
    const concernsAll = common.fallbackReady !== this.#common.fallbackReady || common.config !== this.#common.config;
    this.#common = common;
    for (const change of changes.of(SERVICE_FENCE)) this.#fenceChanged(change);
    for (const key of this.#reconciler.reads.concernedBy(changes.services, isTcp)) this.#look(key);
    for (const { kind, namespace, name } of changes.disturbed) if (kind === SERVICE_FENCE.name) this.#disturbed({ namespace, name });
    const foreign = new Set(changes.foreign);
    if (!concernsAll && foreign.size === 0) return;
    for (const { key } of this.#states.all()) if (concernsAll || foreign.has(key.namespace)) this.enqueue(key);
  }

  /** Takes over as the leader: it looks at every fence. */
  lead(): void {
    this.#states.lead();
    this.refresh();
  }

  /** Asks for a run. Requests made before it starts become one. */
  enqueue(key: FenceKey): void {
    this.#controller.enqueue(fenceRef(key));
  }

  /** A host is new in the book, and calls to it take the fallback until it is rendered. */
  learned(key: FenceKey): void {
    const state = this.#states.get(key);
    if (state !== undefined) state.learnedAt ??= performance.now();
    this.#controller.enqueue(fenceRef(key), true);
  }

  /**
   * A workload called a host that its fence has no room for, or its warm-up names one. Told once,
   * until there is room again.
   */
  turnedAway(key: FenceKey, host: string): void {
    const state = this.#states.get(key);
    if (state === undefined || state.isTurningAway) return;
    state.isTurningAway = true;
    const { maxHosts } = state.edges;
    this.#options.logger.warn({ fence: formatFenceKey(key), host, maxHosts }, "fence is full, new hosts stay on the fallback");
    this.enqueue(key);
  }

  /** Fences that turn newcomers away now. */
  fencesAtCapacity(): number {
    return [...this.#states.all()].filter(({ edges }) => edges.isAtCapacity).length;
  }

  /**
   * Runs one ageing round over all fences, and lets times be written that have waited long enough.
   */
  tick(): void {
    if (performance.now() - this.#refreshedAt >= REFRESH_PAUSE) this.refresh();
    else if (performance.now() - this.#sweptAt >= SWEEP_PAUSE) this.#sweep();
    for (const state of this.#states.all()) {
      const { key, edges, lookedAt } = state;
      const hasAged = this.#age(state);
      const hasRoomAgain = state.isTurningAway && !edges.isAtCapacity;
      if (hasRoomAgain) state.isTurningAway = false;
      const fence = this.#options.mesh().fence(key);
      const deadline = fence === undefined ? undefined : nextDeadline(fence, lookedAt);
      const isDue = deadline !== undefined && deadline <= this.#options.now();
      if (hasAged || hasRoomAgain || isDue) this.enqueue(key);
      else if (this.#reconciler.isStale(key)) this.#controller.enqueueStatus(fenceRef(key));
    }
  }

  /** The fence as it is now, times and counts included; undefined when there is none. */
  describe(key: FenceKey): { readonly fence: ServiceFence; readonly status: ServiceFenceStatus } | undefined {
    const fence = this.#options.mesh().fence(key);
    const desired = desiredOf(this.#reconciler, fenceRef(key));
    return fence === undefined || desired === undefined ? undefined : { fence, status: desired.status };
  }

  /** Resolves when everything that was asked for is done. */
  idle(): Promise<void> {
    return this.#controller.idle();
  }

  /** Finishes what waits, writes times and counts a last time, and stops. */
  async close(): Promise<void> {
    for (const state of this.#states.all()) {
      const { key, edges, status } = state;
      if (edges.observedUntil === undefined && Object.keys(status.domains).length === 0) continue;
      state.statusWrittenAt = Number.NEGATIVE_INFINITY;
      this.#controller.enqueueStatus(fenceRef(key));
    }
    await this.#controller.close();
  }

  /** What every fence reads. */
  #commonNow(): Common {
    const { mesh, fallbackReady } = this.#options;
    const current = mesh();
    return { tcp: current.registry.tcpServices(), fallbackReady: fallbackReady(current), config: current.config };
  }

  /**
   * A status that says what is known here already, as after a write of our own, asks for nothing.
   */
  #fenceChanged(change: ObjectChange<ServiceFence>): void {
    const fence = objectOf(change);
    if (fence === undefined) return;
    const known = this.#states.get(fence.metadata)?.status;
    if (isOfStatus(change) && known !== undefined && !differsInSubstance(known, fence.status)) this.#states.open(fence);
    else this.#look(fence.metadata);
  }

  #disturbed(key: FenceKey): void {
    this.#states.takeOverWidened(key);
    this.enqueue(key);
  }

  #look(key: FenceKey): void {
    const fence = this.#options.mesh().fence(key);
    if (fence !== undefined) this.#states.open(fence);
    this.enqueue(key);
  }

  /**
   * Objects of fences that are gone. Whether one is may be uncertain for a time, and then no change
   * tells of it.
   */
  #sweep(): void {
    this.#sweptAt = performance.now();
    for (const owner of this.#options.store.goneOwners(SERVICE_FENCE)) this.enqueue(owner);
  }

  /** Returns whether hosts were removed. */
  #age({ key, edges }: FenceState): boolean {
    const { metrics, logger, config, leads, mesh } = this.#options;
    const removed = leads() ? edges.age() : [];
    if (removed.length === 0) return false;
    metrics.edgesAged.inc(removed.length);
    const idleWindow = mesh().fence(key)?.spec.idleWindow ?? config.ageing.idleWindow;
    logger.info({ fence: formatFenceKey(key), hosts: removed, idleWindow }, "hosts aged out, nobody called them");
    return true;
  }
}
