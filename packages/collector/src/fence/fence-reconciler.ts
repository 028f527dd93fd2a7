import {
  type Config,
  type FenceKey,
  fenceMode,
  hostOfEgress,
  idleWindowOf,
  type Labels,
  type ObjectRef,
  type RenderedObject,
  refText,
  SERVICE_FENCE,
  type ServiceFence,
  type ServiceFenceStatus,
  systemNamespaces,
} from "@fenceline/api";
import type { Reconciler, Remains, RunResult } from "@fenceline/control";
import type { EdgesSeen } from "@fenceline/edges";
import { RecordedHosts, RecordedLookup } from "@fenceline/registry";
import { egressHosts, importedHosts, workloadLabels } from "@fenceline/render/fence";
import type { Obstacle, RenderedUpdate, Store } from "@fenceline/store";
import type { Mesh } from "../mesh.ts";
import { RegistryReads } from "../registry-reads.ts";
import type { StreamsSeen } from "../sources/access-logs/fence-streams.ts";
import type { ProxiesOf } from "../sources/istiods/proxy-syncs.ts";
import { defaultImports, foreignSidecars, isRegistryOnly, underRegistryOnly, type WithoutFence, withoutFence } from "./default-imports.ts";
import { type DesiredFence, desiredFence, type FenceSeen } from "./desired-fence.ts";
import type { FenceState } from "./fence-state.ts";
import { LeavingFences } from "./leaving-fences.ts";
import { entryMode, unreadKinds } from "./mesh-objects-condition.ts";
import type { PodSearch } from "./pod-search.ts";
import type { PushTimes } from "./push-times.ts";
import { type LeavingRival, leavingRivals, rivalsOf } from "./rivals.ts";
import { isHttp } from "./sidecar-steps.ts";
import { Standings } from "./standings.ts";
import { differsInSubstance } from "./status.ts";
import type { StepsSeen } from "./steps-seen.ts";
import { missesTelemetry } from "./telemetry-condition.ts";
import { staysForUnseen } from "./unseen-sidecars.ts";
import { wideningOf } from "./widening.ts";
import { isServed } from "./workload-services.ts";

/** What a {@link FenceReconciler} reads. */
export interface FenceReconcilerOptions {
  readonly store: Pick<Store, "ownedBy" | "goneOwners" | "foreign" | "sidecars" | "unread" | "installation">;
  readonly mesh: () => Mesh;
  readonly config: Config;
  /** Milliseconds of the wall clock. */
  readonly now: () => number;
  readonly leads: () => boolean;
  readonly fallbackReady: (mesh: Mesh) => boolean;
  /** The versions of Istio that a fence's proxies run, as far as known. */
  readonly proxyVersions: (fence: FenceKey) => readonly string[];
  /** Access-log streams of a fence's proxies. */
  readonly streams: (fence: FenceKey) => StreamsSeen;
  /** Default: no istiod is asked. */
  readonly proxies?: ProxiesOf | undefined;
  /** Labels of pods that are known to be of a fence with these labels. */
  readonly podsOf: (fence: FenceKey, labels: Labels, mesh: Mesh) => readonly Labels[];
  /** Asks whether a fence has pods. Undefined where nobody can be asked. */
  readonly podSearch?: Pick<PodSearch, "of" | "forget"> | undefined;
  /** What is kept about a fence that was opened. */
  readonly state: (fence: FenceKey) => FenceState | undefined;
  readonly obstacles: (of: ObjectRef) => readonly Obstacle[];
  /** How long a step of a Sidecar takes. */
  readonly pushes: Pick<PushTimes, "pause" | "shown">;
  /** Milliseconds of a clock that never goes back. Default `performance.now`. */
  readonly clock?: () => number;
  /** A fence is gone. */
  readonly onGone: (fence: FenceKey) => void;
  /** A fence gives way to another one, or does not any more. */
  readonly onStanding: (fence: ServiceFence) => void;
  /** What these fences wait for may have happened. */
  readonly onWaiting: (fences: readonly ObjectRef[]) => void;
  /** What a fence had learned is rendered, so many milliseconds after its first report. */
  readonly onRendered: (milliseconds: number) => void;
}

/** The smallest part of its usual size that a status may have. */
const SMALLEST_STATUS = 1 / 64;
/** `lastSeen` is written at most this many times a window. */
const STATUS_WRITES_PER_WINDOW = 10;
/** And at most this often, in milliseconds: each write of each fence reaches every replica. */
const SHORTEST_WRITE_PAUSE = 1_000;

/**
 * For how many milliseconds after a call a host counts as called now. Then its next call is
 * awaited.
 */
const CALLED_NOW = 1_000;

/** The code for ServiceFence in the loop of {@link Controller}. */
export class FenceReconciler implements Reconciler<FenceSeen, ServiceFenceStatus, DesiredFence> {
  readonly kind = SERVICE_FENCE;
  /** What was read for each fence when it was last observed. */
  readonly reads = new RegistryReads();
  readonly standings: Standings;
  /** No event tells of our own deletions. */
  readonly applied = (of: ObjectRef): void => this.#options.onWaiting(this.waitingIn(of.namespace));
  readonly #options: FenceReconcilerOptions;
  readonly #leaving = new LeavingFences();
  /** Fences that wait until the objects that another fence left are gone. */
  readonly #waiting = new Map<string, ObjectRef>();

  constructor(options: FenceReconcilerOptions) {
    const { mesh, podsOf } = options;
    this.#options = options;
    this.standings = new Standings({
      besides: (namespace, labels) => mesh().fencesBesides(namespace, labels),
      podsOf: (fence, labels) => podsOf(fence, labels, mesh()),
    });
  }

  observe(of: ObjectRef): FenceSeen | undefined {
    const { store, mesh, state: stateOf, fallbackReady, proxyVersions, streams, proxies, podsOf, obstacles, leads, now } = this.#options;
    const current = mesh();
    const fence = current.fence(of);
    const state = stateOf(of);
    if (fence === undefined || state === undefined) return undefined;
    this.#leaving.forget(of);
    const registry = new RecordedLookup(current.registry);
    const edges = state.edges.seen();
    const meshHosts = new RecordedHosts(current.meshHosts);
    const others = foreignSidecars(of.namespace, store, current);
    const inForce = isRegistryOnly(others, current) ? underRegistryOnly(fence) : fence;
    const serviceEntries = entryMode(inForce, current.config, store);
    const labels = workloadLabels(fence, registry, current.config);
    const given = { stable: current.config.stableHosts, aliases: current.aliases };
    const common = { ...given, system: current.systemHosts, required: current.requiredHosts(of.namespace, labels), serviceEntries };
    const all = egressHosts({ ...common, fence: inForce, booked: edges.hosts, registry, meshHosts, now: now() });
    const inMesh = { namespace: of.namespace, registry, meshHosts };
    const { hosts, hidden } = importedHosts(all, defaultImports(of.namespace, others), inMesh, current.config);
    const pods = labels === undefined ? [] : podsOf(of, labels, current);
    // Of the former selector, where this one names no workload.
    const ofPods = labels && current.fencesByPods.labels(of);
    // Set before anything asynchronous: a change that comes meanwhile must find who reads it.
    this.reads.set(of, [registry.reads, state.opened], meshHosts.reads);
    const present = store.ownedBy(of);
    return {
      fence,
      edges,
      hosts,
      hidden,
      labels,
      previous: state.status,
      statusPart: state.statusPart,
      stored: state.seen,
      config: current.config,
      present,
      installation: store.installation?.(),
      steps: store.sidecars === undefined ? undefined : this.#steps(state, edges, present, withoutFence(of.namespace, others, current)),
      ...others,
      fallbackReady: fallbackReady(current),
      catchAllRemoved: current.catchAllRemoved(of.namespace, labels),
      proxyVersions: proxyVersions(of),
      rivals: ofPods === undefined ? [] : rivalsOf({ fence, labels: ofPods }, this.standings),
      leaving: this.#leavingBefore(of, present.length > 0 ? undefined : labels, pods),
      pods,
      isEnding: current.isEnding(fence),
      ...this.#podsSeen(fence, labels, current),
      streams: streams(of),
      proxies: labels === undefined ? undefined : proxies?.(of.namespace, [labels]),
      unread: unreadKinds(store),
      obstacles: obstacles(of),
      leads: leads(),
      now: now(),
    };
  }

  /** Asks for pods where nothing shows them for sure. Only the leader does, which judges. */
  #podsSeen({ metadata, spec }: ServiceFence, labels: Labels | undefined, mesh: Mesh): Pick<FenceSeen, "served" | "heard"> {
    const { podSearch, streams, leads } = this.#options;
    const served = labels === undefined ? "no" : isServed(mesh, metadata.namespace, labels);
    const isSure = served === "surely" || streams(metadata).isOpen;
    if (labels !== undefined && leads() && !isSure && fenceMode(spec) !== "Off")
      return { served, heard: podSearch?.of(metadata, labels) ?? "unknown" };
    podSearch?.forget(metadata);
    return { served, heard: "unknown" };
  }

  /** In a folder everything is deleted at once. */
  #leavingBefore(of: ObjectRef, labels: Labels | undefined, pods: readonly Labels[]): readonly LeavingRival[] {
    const { store, mesh } = this.#options;
    const others = labels === undefined ? [] : mesh().fencesBesides(of.namespace, labels);
    const isUnusable = (fence: ServiceFence) => mesh().labelsOf(fence) !== undefined;
    const withoutPods = mesh().fencesByPods.withoutPods(of.namespace);
    const among = { others, withoutPods, isUnusable, standings: this.standings, store, pods };
    const leaving = labels === undefined || store.sidecars === undefined ? [] : leavingRivals(of, labels, among);
    // A run for the status alone removes no entry: what was left may be gone, but not told yet.
    if (leaving.length > 0) this.#waiting.set(refText(of), of);
    else if (labels === undefined) this.#waiting.delete(refText(of));
    return leaving;
  }

  #steps({ key, parked }: FenceState, edges: EdgesSeen, present: readonly RenderedObject[], without: WithoutFence): StepsSeen {
    const { pushes, now, mesh, clock = () => performance.now() } = this.#options;
    const { registry } = mesh();
    const sidecar = present.find((object) => object.kind === "Sidecar");
    const came = new Set(parked.see(sidecar, clock(), without.unfenced).map(hostOfEgress));
    // Only calls tell how long that took.
    const called = came.size === 0 ? [] : edges.hosts.filter(({ host, lastSeen }) => came.has(host) && now() - lastSeen <= CALLED_NOW);
    for (const { host } of called) pushes.shown(key, host);
    return { parked, isHttp: (egress) => isHttp(hostOfEgress(egress), registry), pause: pushes.pause, clock: clock(), ...without };
  }

  desired(seen: FenceSeen): DesiredFence {
    return desiredFence(seen);
  }

  statusToWrite(of: ObjectRef, { status, isLeftAlone }: DesiredFence): ServiceFenceStatus | undefined {
    const state = this.#options.state(of);
    if (state === undefined || isLeftAlone === true) return undefined;
    return differsInSubstance(state.status, status) || this.isStale(of) ? status : undefined;
  }

  statusWritten(of: ObjectRef, status: ServiceFenceStatus): void {
    const state = this.#options.state(of);
    if (state === undefined) return;
    state.status = status;
    state.isContradicted = false;
    state.statusWrittenAt = performance.now();
    state.writtenUntil = status.observedUntil === undefined ? undefined : Date.parse(status.observedUntil);
  }

  /** The status is tried again with half the hosts: without it the conditions would stay wrong. */
  statusTooLarge(of: ObjectRef): void {
    const state = this.#options.state(of);
    if (state !== undefined) state.statusPart = Math.max(SMALLEST_STATUS, state.statusPart / 2);
  }

  widening(change: RenderedUpdate): RenderedUpdate | undefined {
    const state = this.#options.state(change.owner);
    return state && wideningOf(change, state.edges, this.#options.now());
  }

  statusDetails({ domains }: ServiceFenceStatus): Readonly<Record<string, unknown>> {
    return { hosts: Object.keys(domains).length };
  }

  told(of: ObjectRef, { at, givesWay }: DesiredFence, result: RunResult): void {
    const { state: stateOf, mesh, onStanding } = this.#options;
    const state = stateOf(of);
    if (state === undefined) return;
    state.lookedAt = at;
    const fence = mesh().fence(of);
    if (givesWay !== state.givesWay && fence !== undefined) onStanding(fence);
    state.givesWay = givesWay;
    const { learnedAt } = state;
    state.learnedAt = undefined;
    if (learnedAt !== undefined && result !== "obstructed") this.#options.onRendered(performance.now() - learnedAt);
  }

  remains(of: ObjectRef): Remains {
    const { store, mesh, pushes, state, clock = () => performance.now() } = this.#options;
    const present = store.ownedBy(of);
    if (mesh().isNamespaceEnding(of.namespace) || staysForUnseen(present, unreadKinds(store))) return { objects: present };
    // What must not be in its namespace is deleted at once, and no Istio reads a folder.
    if (store.sidecars === undefined || systemNamespaces(mesh().config).has(of.namespace)) return { objects: [] };
    const without = withoutFence(of.namespace, foreignSidecars(of.namespace, store, mesh()), mesh());
    return this.#leaving.next(of, { present, parked: state(of)?.parked, pause: pushes.pause, clock: clock(), ...without });
  }

  /** Fences of a namespace that wait until the objects that another fence left are gone. */
  waitingIn(namespace: string): readonly ObjectRef[] {
    return [...this.#waiting.values()].filter((each) => each.namespace === namespace);
  }

  forget(of: ObjectRef): void {
    this.#waiting.delete(refText(of));
    this.reads.delete(of);
    this.#options.podSearch?.forget(of);
    this.#options.onGone(of);
  }

  /**
   * Whether to write a status that differs only in times, or that somebody else has overwritten.
   * Somebody may do that all the time, so it is written at most once a second.
   */
  isStale(key: FenceKey): boolean {
    const state = this.#options.state(key);
    const isContradicted = state?.isContradicted === true && performance.now() - state.statusWrittenAt >= SHORTEST_WRITE_PAUSE;
    return isContradicted || this.#timesAreStale(key);
  }

  /**
   * Whether times changed, and a tenth of the window passed or the leader misses this telemetry.
   */
  #timesAreStale(key: FenceKey): boolean {
    const { config, mesh, state: stateOf, leads, streams } = this.#options;
    const fence = mesh().fence(key);
    const state = stateOf(key);
    const observed = state?.edges.observedUntil;
    if (fence === undefined || state === undefined || observed === undefined || observed === state.writtenUntil) return false;
    if (!leads() && streams(key).isOpen && missesTelemetry(state.status.conditions)) return true;
    const pause = Math.max(SHORTEST_WRITE_PAUSE, idleWindowOf(fence.spec, config.ageing) / STATUS_WRITES_PER_WINDOW);
    return performance.now() - state.statusWrittenAt >= pause;
  }
}
