import {
  allNew,
  type FenceKey,
  FencelineError,
  type Kind,
  MESH_KINDS,
  type MeshKind,
  type ObjectRef,
  OWN_KINDS,
  type OwnerReference,
  type OwnKind,
  RENDERED_KINDS,
  type ReadKind,
  type RenderedKind,
  type RenderedObject,
  refText,
  SERVICE,
  SERVICE_FENCE,
  type SpecFault,
} from "@fenceline/api";
import type { InformerHealth, KubernetesApi, Leadership, ObjectEvent } from "@fenceline/kubernetes";
import { type Clock, monotonicClock, type ObjectKey } from "@fenceline/kubernetes";
import type { FenceAuthor, PodFinder, ServicePortsAuthor, ShadowTeller, SidecarWidener } from "../capabilities.ts";
import type { Change, Obstacle } from "../change.ts";
import { meshChanges } from "../pending-changes.ts";
import type { ForeignObject, MeshChanges, MeshSnapshot, Store, UnreadReason } from "../store.ts";
import { LeaderWrites } from "./apply/leader-writes.ts";
import { asRendered, type LiveObject } from "./apply/live-object.ts";
import type { WriteResult } from "./apply/object-writer.ts";
import { statusObstacle } from "./apply/obstacle.ts";
import { RenderedWrites } from "./apply/rendered-writes.ts";
import { AutomaticFenceAuthor } from "./automatic-fences.ts";
import { ObservedMesh } from "./observed-mesh.ts";
import { ListedPods } from "./pods.ts";
import { RenderedObjects } from "./rendered-objects.ts";
import { AppliedServicePorts } from "./service-ports.ts";
import { SnapshotPace } from "./snapshot-pace.ts";
import { ShadowedStatuses } from "./status/shadowed-statuses.ts";
import { Statuses } from "./status/statuses.ts";

/** Settings of a {@link KubernetesStore}. */
export interface KubernetesStoreOptions {
  readonly api: KubernetesApi;
  /** Kinds of ours. Default: {@link OWN_KINDS}. */
  readonly kinds?: readonly OwnKind[];
  /** Kinds that are only read. Default: {@link MESH_KINDS}. */
  readonly mesh?: readonly MeshKind[];
  /** Kinds that are rendered. Default: {@link RENDERED_KINDS}. */
  readonly rendered?: readonly RenderedKind[];
  /**
   * The ConfigMaps with Istio's MeshConfigs. No other ConfigMap is read, so a right to these is
   * enough.
   */
  readonly meshConfigMaps: readonly ObjectKey[];
  /**
   * Name of the ClusterRole that exists for as long as Fenceline is installed. Default: none, and
   * what is rendered is deleted with its owner.
   */
  readonly installation?: string;
  /** Decides who may write rendered objects, and remove hosts and conditions from a status. */
  readonly leadership: Leadership;
  /**
   * Told of faults that stop nothing: a kind that cannot be read, an object that is not valid. Must
   * not throw.
   */
  readonly onTrouble: (error: FencelineError) => void;
  readonly clock?: Clock;
  /**
   * How long changes are collected before they are told together, in milliseconds. It is longer
   * after a telling that took long. Default 10.
   */
  readonly settleTime?: number;
}

const SETTLE_TIME = 10;

/** A mesh in a cluster. The API server keeps everything; this keeps a copy of what is needed. */
export class KubernetesStore implements Store {
  readonly fences: FenceAuthor;
  readonly ports: ServicePortsAuthor;
  readonly sidecars: SidecarWidener;
  readonly shadows: ShadowTeller;
  readonly pods: PodFinder;
  readonly versionsIn = (kind: Kind, namespace: string): string => this.#mesh.versionsIn(kind, namespace);
  readonly #options: KubernetesStoreOptions;
  readonly #mesh: ObservedMesh;
  readonly #rendered: RenderedObjects;
  readonly #writes: RenderedWrites;
  readonly #listeners = new Set<(changes: MeshChanges) => void>();
  /** Objects whose faults are to be told. */
  readonly #faults = new Map<string, ObjectRef>();
  readonly #closed = new AbortController();
  readonly #statuses: Statuses;
  readonly #pace: SnapshotPace;
  /** The first lists are complete. What is in them is not told as a change. */
  #isOpen = false;

  constructor(options: KubernetesStoreOptions) {
    const {
      api,
      kinds = OWN_KINDS,
      mesh = MESH_KINDS,
      rendered = RENDERED_KINDS,
      leadership,
      onTrouble,
      meshConfigMaps,
      installation,
      clock = monotonicClock,
      settleTime = SETTLE_TIME,
    } = options;
    this.#options = options;
    this.#pace = new SnapshotPace({ clock, settleTime, closed: this.#closed.signal, tell: () => this.#tell() });
    this.#statuses = new Statuses({ api, clock, leadership });
    this.#mesh = new ObservedMesh({
      api,
      kinds,
      mesh,
      rendered,
      clock,
      ...{ meshConfigMaps, installation },
      isOurs: (event) => this.#statuses.isEcho(event),
      onChange: (urgent) => this.#changed(urgent),
      onFault: (of) => {
        this.#faults.set(refText(of), of);
        this.#changed(true);
      },
      onOwn: (owner) => this.#rendered.ownerChanged(owner),
      onRendered: (event) => this.#renderedChanged(event),
      onTrouble,
    });
    this.#writes = new RenderedWrites({ api, clock, leadership, places: this.#mesh.rendered, owners: kinds });
    const leaderWrites = new LeaderWrites({ api, clock, leadership });
    this.fences = new AutomaticFenceAuthor(leaderWrites, this.#mesh.kind(SERVICE_FENCE));
    this.ports = new AppliedServicePorts(leaderWrites, this.#mesh.informerOf(SERVICE));
    this.sidecars = {
      widen: (change, onAdded) => this.#writes.widen(change, onAdded),
      widenedAt: (owner) => this.#rendered.ownedBy(owner).find(({ widenedAt }) => widenedAt !== undefined)?.widenedAt,
    };
    this.pods = new ListedPods(api);
    const shadowed = new ShadowedStatuses({ api, clock, leadership });
    this.shadows = { tell: (of) => shadowed.tell(this.#mesh.own.get(of.kind), of) };
    this.#rendered = new RenderedObjects(this.#mesh.rendered, {
      kinds: new Set(kinds.map(({ name }) => name)),
      exists: (owner) => this.#mesh.own.get(owner.kind)?.find(owner) !== undefined,
    });
  }

  /** A store that is open. See {@link start}. */
  static async open(options: KubernetesStoreOptions): Promise<KubernetesStore> {
    const store = new KubernetesStore(options);
    await store.start();
    return store;
  }

  /**
   * Opens the store. Resolves when the first lists are complete, or when the store is closed. While
   * the API server is down it goes on waiting. A kind that may not be read, or does not exist, is
   * reported and delays nothing.
   */
  async start(): Promise<void> {
    await this.#mesh.start();
    this.#isOpen = true;
    this.#rendered.takeChanges();
    for (const { kind, effective } of this.#mesh.own.values()) this.#statuses.told(kind, allNew(effective.objects()));
  }

  snapshot(): MeshSnapshot {
    return this.#mesh.snapshot;
  }

  objectOf<O>(kind: ReadKind<O>, key: ObjectKey): O | undefined {
    return this.#mesh.objectOf(kind, key);
  }

  onChange(listener: (changes: MeshChanges) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * For an object that nobody changed since our write, this is what we wrote, without what the API
   * server added to it. Objects of others are not among them.
   */
  ownedBy(owner: ObjectRef): readonly RenderedObject[] {
    return this.#rendered.ownedBy(owner).map((live) => this.#writes.wanted(live) ?? asRendered(live));
  }

  /**
   * An owner counts as gone only when that is certain. While its kind cannot be listed, or when it
   * exists and is not valid, what was rendered for it stays. The API server removes the objects of
   * a deleted owner itself.
   */
  goneOwners(kind: Kind): readonly ObjectRef[] {
    return this.#rendered.goneOwners(kind).filter((owner) => this.#rendered.ownedBy(owner).some((live) => this.#mesh.isOwnerKnown(live)));
  }

  /** See {@link RenderedWrites.apply}. */
  apply(change: Change): Promise<Obstacle | undefined> {
    return this.#writes.apply(change);
  }

  /** See {@link RenderedWrites.carryOut}. */
  carryOut(change: Change): Promise<WriteResult> {
    return this.#writes.carryOut(change);
  }

  /**
   * Merges a status into the existing one, as its kind says. An object that is gone needs no
   * status. Resolves with what stands in its way.
   *
   * @throws {ApiError} when the API server cannot do it now
   */
  async writeStatus(of: ObjectRef, status: object): Promise<Obstacle | undefined> {
    const own = this.#mesh.own.get(of.kind);
    const place = own?.placeOfStatus(of);
    if (own === undefined || place === undefined) return undefined;
    try {
      await this.#statuses.write(own.kind, status, place);
      return undefined;
    } catch (error) {
      const obstacle = statusObstacle(error, of, own.kind);
      if (obstacle === undefined) throw error;
      return obstacle;
    }
  }

  /** A status is deleted with its object; only our memory of it has to be cleared. */
  async deleteStatus(of: ObjectRef): Promise<void> {
    this.#statuses.forget(of);
  }

  faultOf(of: ObjectRef): SpecFault | undefined {
    return this.#mesh.own.get(of.kind)?.faultOf(of);
  }

  faulty({ name }: Kind): readonly ObjectRef[] {
    return this.#mesh.own.get(name)?.faulty() ?? [];
  }

  foreign({ name: kind }: Kind, namespace: string): readonly ForeignObject[] {
    return this.#rendered.foreign(kind, namespace).map(({ name, selector, settings, outbound, egressHosts }) => ({
      ...{ namespace, name, selector, ...(settings && { settings }) },
      ...(egressHosts && { egressHosts }),
      ...(outbound && { outbound }),
    }));
  }

  installation(): OwnerReference | undefined {
    return this.#mesh.installation;
  }

  /** Where the CRD of a group of fences is not installed, that group has none. */
  isKnown({ namespace, name }: FenceKey): boolean {
    const key = { namespace, name };
    const { informers } = this.#mesh.kind(SERVICE_FENCE);
    return this.#mesh.informerOf(SERVICE).isKnown(key) && informers.every((informer) => informer.absent || informer.isKnown(key));
  }

  unread(kind: Kind): UnreadReason | undefined {
    return this.#mesh.unread(kind);
  }

  /** The state of each kind's informer, for conditions and metrics. */
  health(): readonly InformerHealth[] {
    return this.#mesh.all().map((informer) => informer.health());
  }

  async close(): Promise<void> {
    this.#closed.abort();
    this.#listeners.clear();
    await this.#mesh.stop();
  }

  /** Somebody changed or deleted an object of ours, or made another in its place. */
  #renderedChanged(event: ObjectEvent<LiveObject>): void {
    if (this.#rendered.changed(event, this.#writes.isOurs(event))) this.#changed(true);
  }

  #changed(urgent: boolean): void {
    if (this.#isOpen) this.#pace.changed(urgent);
  }

  #tell(): void {
    const { lists, byKind } = this.#mesh.takeChanges();
    const faults = [...this.#faults.values()];
    this.#faults.clear();
    const changes = meshChanges({ ...lists, ...this.#rendered.takeChanges(), faults }, byKind);
    if (changes === undefined) return;
    for (const { kind } of this.#mesh.own.values()) this.#statuses.told(kind, changes.of(kind));
    for (const listener of this.#listeners) {
      try {
        listener(changes);
      } catch (cause) {
        const message = cause instanceof Error ? cause.message : String(cause);
        this.#options.onTrouble(new FencelineError("LISTENER_FAILED", { message, cause }));
      }
    }
  }
}
