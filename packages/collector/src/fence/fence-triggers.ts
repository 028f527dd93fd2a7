import {
  durationMs,
  type FenceKey,
  fenceKeyOf,
  fenceRef,
  formatFenceKey,
  idleWindowOf,
  isOfStatus,
  type ObjectChange,
  type ObjectRef,
  objectOf,
  SERVICE_FENCE,
  type ServiceFence,
  SIDECAR,
  shortestWindowOf,
} from "@fenceline/api";
import type { Triggers } from "@fenceline/control";
import type { TcpLists } from "@fenceline/registry";
import { type NamespacedHost, nextDeadline } from "@fenceline/render/fence";
import type { MeshChanges } from "@fenceline/store";
import type { FenceListener } from "../fence-telemetry.ts";
import type { KindContext } from "../kind-context.ts";
import type { MeshConfiguration } from "../mesh.ts";
import { Deadlines } from "./deadlines.ts";
import type { FenceReconciler } from "./fence-reconciler.ts";
import type { FenceState } from "./fence-state.ts";
import type { FenceStates } from "./fence-states.ts";
import { isUnseen, meshObjectsCondition, unreadKinds } from "./mesh-objects-condition.ts";
import type { PodSearch } from "./pod-search.ts";
import { fencesBeside, fencesOfPodsOf, fencesToldOf } from "./same-pods.ts";
import { ShortestWindow } from "./shortest-window.ts";
import { differsInSubstance } from "./status.ts";
import { telemetryCondition } from "./telemetry-condition.ts";

/** Dependencies of {@link FenceTriggers}. */
export interface FenceTriggersOptions
  extends Pick<KindContext, "store" | "mesh" | "config" | "runs" | "telemetry" | "metrics" | "logger" | "now" | "leads" | "fallbackReady"> {
  readonly states: FenceStates;
  readonly reconciler: Pick<FenceReconciler, "reads" | "isStale" | "waitingIn" | "standings">;
  readonly seeds: { changed(changes: MeshChanges): void; close(): void };
  readonly podSearch?: Pick<PodSearch, "idle" | "close"> | undefined;
}

/** What every fence reads. */
interface Common {
  readonly tcp: TcpLists;
  readonly system: readonly NamespacedHost[];
  readonly fallbackReady: boolean;
  readonly config: MeshConfiguration;
  /** `uid` of the second owner of rendered objects. */
  readonly installation: string | undefined;
}

/** Ageing rounds per window, and the limits of their interval in milliseconds. */
const ROUNDS_PER_WINDOW = 20;
const SHORTEST_ROUND = 50;
const LONGEST_ROUND = 60_000;

/**
 * Causes runs of fences beside those for their own changes: for Services that they read, hosts that
 * are learned, and time that has passed.
 */
export class FenceTriggers implements Triggers<ServiceFence>, FenceListener {
  readonly objects = {
    all: () => this.#options.mesh().fences(),
    find: (of: ObjectRef) => this.#options.mesh().fence(of),
  };
  readonly #options: FenceTriggersOptions;
  readonly #windows = new ShortestWindow();
  readonly #deadlines: Deadlines;
  #common: Common;
  /** Whether Sidecars could not be read in the last round. */
  #isBlind = false;

  constructor(options: FenceTriggersOptions) {
    this.#options = options;
    this.#common = this.#commonNow();
    this.#deadlines = new Deadlines({ now: options.now, due: (key) => this.#deadlinePassed(key) });
    for (const fence of options.mesh().fences()) this.#keepWindow(fence);
  }

  /** With mistakes, it is opened as it is in force. Its status may tell what was missed. */
  open(written: ServiceFence): void {
    const { states, mesh, runs } = this.#options;
    states.open(mesh().fence(fenceKeyOf(written)) ?? written);
    const state = states.get(fenceKeyOf(written));
    this.#keepDeadline(state);
    if (state !== undefined && this.#timeTells(state)) runs.enqueueStatus(fenceRef(state.key));
  }

  /**
   * A status with nothing new, as after a write of our own, asks for no run. The event of such a
   * write may come before its answer, when its content is not known here yet.
   */
  isNews(change: ObjectChange<ServiceFence>): boolean {
    const { after, isOurs = false } = change;
    if (isOurs) return false;
    const known = after && this.#options.states.get(after.metadata)?.status;
    return after === undefined || known === undefined || !isOfStatus(change) || differsInSubstance(known, after.status);
  }

  /** A Sidecar of others may be for the pods of any fence of its namespace. */
  concernedBy(changes: MeshChanges): readonly ObjectRef[] | "all" {
    const { mesh, reconciler } = this.#options;
    const { tcp, ...common } = this.#commonNow();
    const { tcp: tcpBefore, ...before } = this.#common;
    const isSame = Object.entries(common).every(([name, value]) => value === before[name as keyof typeof before]);
    // A default Sidecar of the root namespace is for pods of every namespace that has none.
    if (!isSame || mesh().rootNamespaces.some((root) => changes.foreign.includes(root))) return "all";
    const inNamespaces = changes.foreign.flatMap((namespace) => mesh().fencesIn(namespace));
    const beside = [...inNamespaces, ...mesh().fencesNeedingOthers(changes)].map((fence) => fenceRef(fenceKeyOf(fence)));
    const others = { isTcp: tcp !== tcpBefore, hosts: mesh().touchedHosts(changes) };
    const ofPods = [...fencesOfPodsOf(changes, mesh()), ...fencesToldOf(changes, mesh())];
    const waiting = changes.disturbed.flatMap(({ namespace }) => reconciler.waitingIn(namespace));
    return [...reconciler.reads.concernedBy(changes, others), ...beside, ...waiting, ...ofPods];
  }

  /** Fences that gave way to this one may not any more, or the other way round. */
  standingChanged(fence: ServiceFence): void {
    for (const of of fencesBeside(fence, this.#options.mesh())) this.#options.runs.enqueue(of);
  }

  keepUp(changes: MeshChanges): void {
    this.#options.reconciler.standings.clear();
    this.#common = this.#commonNow();
    for (const change of changes.of(SERVICE_FENCE)) this.#fenceChanged(change);
    this.#options.seeds.changed(changes);
  }

  disturbed(of: ObjectRef): void {
    this.#options.states.takeOverWidened(of);
  }

  lead(): void {
    this.#options.states.lead();
  }

  learned(key: FenceKey): void {
    const { states, runs } = this.#options;
    const state = states.get(key);
    if (state !== undefined) state.learnedAt ??= performance.now();
    runs.enqueue(fenceRef(key), true);
  }

  /** Logged once, until there is room again. A warm-up may find no room, too. */
  turnedAway(key: FenceKey, host: string): void {
    const { states, runs, logger } = this.#options;
    const state = states.get(key);
    if (state === undefined || state.isTurningAway) return;
    state.isTurningAway = true;
    const { maxHosts } = state.edges;
    logger.warn({ fence: formatFenceKey(key), host, maxHosts }, "fence is full, new hosts stay on the fallback");
    runs.enqueue(fenceRef(key));
  }

  proxiesChanged(key: FenceKey): void {
    this.#options.runs.enqueue(fenceRef(key));
  }

  streamsChanged(key: FenceKey): void {
    this.#options.runs.enqueueStatus(fenceRef(key));
  }

  /** Such a pod may also be one of another fence, or of a Sidecar of others. */
  podsChanged(key: FenceKey): void {
    this.#options.reconciler.standings.clear();
    this.#options.runs.enqueue(fenceRef(key));
    const fence = this.#options.mesh().fence(key);
    if (fence !== undefined) this.standingChanged(fence);
  }

  /**
   * The interval depends on the shortest window. A fence with a shorter one must not wait for a
   * round that was planned before.
   */
  interval(): number {
    const { idleWindow } = this.#options.config.ageing;
    const shortest = Math.min(this.#windows.milliseconds, durationMs(idleWindow));
    return Math.min(LONGEST_ROUND, Math.max(SHORTEST_ROUND, shortest / ROUNDS_PER_WINDOW));
  }

  /** Runs one ageing round over all fences. Writes times that have waited long enough. */
  tick(): void {
    const { states, runs, reconciler, telemetry } = this.#options;
    telemetry.tick();
    const seesAgain = this.#seesSidecarsAgain();
    for (const state of states.all()) {
      const { key, edges } = state;
      const hasAged = this.#age(state);
      const hasRoomAgain = state.isTurningAway && !edges.isAtCapacity;
      if (hasRoomAgain) state.isTurningAway = false;
      // The wall clock may have been set back.
      this.#keepDeadline(state);
      if (hasAged || hasRoomAgain || seesAgain) runs.enqueue(fenceRef(key));
      else if (reconciler.isStale(key) || this.#timeTells(state)) runs.enqueueStatus(fenceRef(key));
    }
  }

  /** Whether Sidecars can be read again, so that more fences may be rendered now. */
  #seesSidecarsAgain(): boolean {
    const isBlind = isUnseen(SIDECAR, unreadKinds(this.#options.store));
    const seesAgain = this.#isBlind && !isBlind;
    this.#isBlind = isBlind;
    return seesAgain;
  }

  async idle(): Promise<void> {
    await this.#options.podSearch?.idle();
  }

  async close(): Promise<void> {
    this.#options.seeds.close();
    this.#options.podSearch?.close();
  }

  /** Writes times and counts a last time. */
  closing(): void {
    const { states, runs } = this.#options;
    this.#deadlines.close();
    for (const state of states.all()) {
      const { key, edges, status } = state;
      if (edges.observedUntil === undefined && Object.keys(status.domains).length === 0) continue;
      state.statusWrittenAt = Number.NEGATIVE_INFINITY;
      state.writtenUntil = undefined;
      runs.enqueueStatus(fenceRef(key));
    }
  }

  /** A workload becomes quiet by time alone. */
  #timeTells({ key, edges: { observedUntil }, status }: FenceState): boolean {
    const { store, mesh, config, leads, telemetry, now } = this.#options;
    if (!leads()) return false;
    const [unread] = meshObjectsCondition(unreadKinds(store));
    if (status.conditions?.find(({ type }) => type === "MeshObjectsSeen")?.message !== unread?.message) return true;
    const [fence, told] = [mesh().fence(key), status.conditions?.find(({ type }) => type === "TelemetryFlowing")];
    if (fence === undefined || told === undefined || told.reason === "NotAsked") return false;
    const idleWindow = idleWindowOf(fence.spec, config.ageing);
    const seen = { observedUntil, streams: telemetry.streams.of(key), idleWindow, now: now() };
    return telemetryCondition(seen).reason !== told.reason;
  }

  /** Removes what was kept for a fence that is gone. A change costs no look at other fences. */
  #fenceChanged(change: ObjectChange<ServiceFence>): void {
    const { mesh, telemetry } = this.#options;
    const changed = objectOf(change);
    if (changed === undefined) return;
    const key = fenceKeyOf(changed);
    const fence = mesh().fence(key);
    if (fence !== undefined) {
      this.#keepWindow(fence);
      const labels = mesh().fencesByPods.labels(key);
      if (labels !== undefined) telemetry.streams.selects(key, labels);
      return;
    }
    this.#windows.delete(key);
    telemetry.forget(key);
  }

  #deadlinePassed(key: FenceKey): void {
    const { states, runs } = this.#options;
    runs.enqueue(fenceRef(key));
    this.#keepDeadline(states.get(key), this.#options.now());
  }

  /** @param from earlier deadlines are done, by the wall clock, unless it was set back */
  #keepDeadline(state: FenceState | undefined, from = state?.lookedAt ?? 0): void {
    const { mesh, now } = this.#options;
    const fence = state && mesh().fence(state.key);
    if (state !== undefined) this.#deadlines.set(state.key, fence && nextDeadline(fence, Math.min(from, now())));
  }

  #keepWindow(fence: ServiceFence): void {
    this.#windows.set(fenceKeyOf(fence), shortestWindowOf(fence.spec, this.#options.config.ageing));
  }

  #commonNow(): Common {
    const { store, mesh, fallbackReady } = this.#options;
    const current = mesh();
    return {
      tcp: current.registry.tcpServices(),
      system: current.systemHosts,
      fallbackReady: fallbackReady(current),
      config: current.config,
      installation: store.installation?.()?.uid,
    };
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
