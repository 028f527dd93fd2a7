import {
  type FenceKey,
  FencelineError,
  type Kind,
  type ObjectRef,
  OWN_KINDS,
  type OwnKind,
  type OwnObject,
  RENDERED_KINDS,
  type RenderedKind,
  type RenderedObject,
  SERVICE_FENCE,
  type ServiceFence,
  type ServiceFenceStatus,
} from "@fenceline/api";
import type { InformerHealth, KubernetesApi, Leadership, ObjectEvent } from "@fenceline/kubernetes";
import { type Clock, monotonicClock, type ObjectKey } from "@fenceline/kubernetes";
import type { FenceAuthor, ServicePortsAuthor, SidecarWidener } from "../capabilities.ts";
import type { Change, Obstacle } from "../change.ts";
import { isNothing } from "../pending-changes.ts";
import type { ForeignObject, MeshChanges, MeshSnapshot, Store } from "../store.ts";
import { LeaderWrites } from "./apply/leader-writes.ts";
import { asRendered, type LiveObject } from "./apply/live-object.ts";
import type { WriteResult } from "./apply/object-writer.ts";
import { statusObstacle } from "./apply/obstacle.ts";
import { RenderedWrites } from "./apply/rendered-writes.ts";
import { AutomaticFenceAuthor } from "./automatic-fences.ts";
import { ObservedMesh } from "./observed-mesh.ts";
import type { ObservedOwnKind } from "./observed-own-kind.ts";
import { RenderedObjects } from "./rendered-objects.ts";
import { AppliedServicePorts } from "./service-ports.ts";
import { SnapshotPace } from "./snapshot-pace.ts";
import { FenceStatuses } from "./status/fence-statuses.ts";
import { OwnStatuses } from "./status/own-statuses.ts";

/** Settings of a {@link KubernetesStore}. */
export interface KubernetesStoreOptions {
  readonly api: KubernetesApi;
  /** Kinds of ours. Default: {@link OWN_KINDS}. */
  readonly kinds?: readonly OwnKind[];
  /** Kinds that are rendered. Default: {@link RENDERED_KINDS}. */
  readonly rendered?: readonly RenderedKind[];
  /**
   * The ConfigMaps with Istio's MeshConfigs. No other ConfigMap is read, so a right to these is
   * enough.
   */
  readonly meshConfigMaps: readonly ObjectKey[];
  /** Who may write rendered objects, and take hosts and conditions of a status away. */
  readonly leadership: Leadership;
  /**
   * Told of what goes wrong while nothing stops: a kind that cannot be read, an object that is not
   * valid. Must not throw.
   */
  readonly onTrouble: (error: FencelineError) => void;
  readonly clock?: Clock;
  /**
   * How long changes are collected before they are told together, in milliseconds; longer after a
   * telling that took long. Default 10.
   */
  readonly settleTime?: number;
}

const SETTLE_TIME = 10;

/** A mesh in a cluster. The API server keeps everything; this keeps a copy of what is needed. */
export class KubernetesStore implements Store {
  readonly fences: FenceAuthor;
  readonly ports: ServicePortsAuthor;
  readonly sidecars: SidecarWidener;
  readonly #options: KubernetesStoreOptions;
  readonly #mesh: ObservedMesh;
  readonly #rendered: RenderedObjects;
  readonly #writes: RenderedWrites;
  readonly #listeners = new Set<(changes: MeshChanges) => void>();
  readonly #closed = new AbortController();
  readonly #statuses: FenceStatuses;
  readonly #ownStatuses: OwnStatuses;
  readonly #pace: SnapshotPace;
  /** The first lists are complete: what they bring is no change. */
  #isOpen = false;

  constructor(options: KubernetesStoreOptions) {
    const {
      api,
      kinds = OWN_KINDS,
      rendered = RENDERED_KINDS,
      leadership,
      onTrouble,
      meshConfigMaps,
      clock = monotonicClock,
      settleTime = SETTLE_TIME,
    } = options;
    this.#options = options;
    this.#pace = new SnapshotPace({ clock, settleTime, closed: this.#closed.signal, tell: () => this.#tell() });
    this.#statuses = new FenceStatuses({ api, clock, leadership });
    this.#ownStatuses = new OwnStatuses({ api, clock, leadership });
    this.#mesh = new ObservedMesh({
      api,
      kinds,
      rendered,
      clock,
      meshConfigMaps,
      isOurs: (event) => this.#statuses.isEcho(event),
      isOwnEcho: (event) => this.#ownStatuses.isEcho(event),
      onChange: (urgent) => this.#changed(urgent),
      onOwn: (owner) => this.#rendered.ownerChanged(owner),
      onRendered: (event) => this.#renderedChanged(event),
      onTrouble,
    });
    this.#writes = new RenderedWrites({ api, clock, leadership, places: this.#mesh.rendered, owners: kinds });
    const leaderWrites = new LeaderWrites({ api, clock, leadership });
    this.fences = new AutomaticFenceAuthor(leaderWrites, this.#mesh.fences);
    this.ports = new AppliedServicePorts(leaderWrites, this.#mesh.services);
    this.sidecars = this.#writes;
    this.#rendered = new RenderedObjects(this.#mesh.rendered, {
      kinds: new Set(kinds.map(({ name }) => name)),
      exists: (owner) => this.#ownKind(owner.kind)?.find(owner) !== undefined,
    });
  }

  /** A store that is open. See {@link start}. */
  static async open(options: KubernetesStoreOptions): Promise<KubernetesStore> {
    const store = new KubernetesStore(options);
    await store.start();
    return store;
  }

  /**
   * Opens the store: resolves when the first lists are complete, which an API server that is down
   * can put off for any time, or when it is closed. A kind that may not be read, or does not exist,
   * is reported and holds up nothing.
   */
  async start(): Promise<void> {
    await this.#mesh.start();
    this.#isOpen = true;
    this.#rendered.takeChanges();
    this.#statuses.told(this.snapshot().fences.map((fence) => ({ before: undefined, after: fence })));
  }

  snapshot(): MeshSnapshot {
    return this.#mesh.snapshot;
  }

  objectsOf<O>(kind: OwnKind<O>): readonly O[] {
    return (this.#ownKind(kind.name)?.effective.objects() ?? []) as readonly OwnObject[] as readonly O[];
  }

  onChange(listener: (changes: MeshChanges) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * An object that is as it was left stands for what was wanted, whatever the API server added to
   * it. One of somebody else is not among them.
   */
  ownedBy(owner: ObjectRef): readonly RenderedObject[] {
    return this.#rendered.ownedBy(owner).map((live) => this.#writes.wanted(live) ?? asRendered(live));
  }

  /**
   * One that is not there is gone only when that is certain: while its kind cannot be listed, or
   * when it exists and is not valid, what was rendered for it stays. The API server removes the
   * objects of a deleted owner itself.
   */
  goneOwners(kind: Kind): readonly ObjectRef[] {
    return this.#rendered.goneOwners(kind).filter((owner) => this.#rendered.ownedBy(owner).some((live) => this.#isOwnerCertain(live)));
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
   * Merges a status into the fence's, as {@link statusPatch} says. Any replica may. A fence that is
   * gone needs no status. Resolves with what stands in its way.
   *
   * @throws {ApiError} when the API server cannot do it now
   */
  async writeStatus(of: ObjectRef, status: object): Promise<Obstacle | undefined> {
    try {
      if (of.kind === SERVICE_FENCE.name) {
        const place = this.#mesh.fences.find(of);
        if (place !== undefined) await this.#statuses.write(status as ServiceFenceStatus, place);
      } else {
        const place = this.#mesh.own.get(of.kind)?.find(of);
        if (place !== undefined) await this.#ownStatuses.write(status, place);
      }
      return undefined;
    } catch (error) {
      const kind = (this.#options.kinds ?? OWN_KINDS).find(({ name }) => name === of.kind);
      const obstacle = kind && statusObstacle(error, of, kind);
      if (obstacle === undefined) throw error;
      return obstacle;
    }
  }

  /** A status lives and dies with its fence; only what is remembered of it goes. */
  async deleteStatus({ kind, namespace, name }: ObjectRef): Promise<void> {
    if (kind === SERVICE_FENCE.name) this.#statuses.forget({ namespace, name });
  }

  foreign({ name: kind }: Kind, namespace: string): readonly ForeignObject[] {
    return this.#rendered.foreign(kind, namespace).map(({ name, selector }) => ({ namespace, name, selector }));
  }

  /** A group of fences whose CRD is not installed has none. */
  isCertain({ namespace, name }: FenceKey): boolean {
    const key = { namespace, name };
    const { services, fences } = this.#mesh;
    return services.isCertain(key) && fences.informers.every((informer) => informer.absent || informer.isCertain(key));
  }

  /** How the copy of each kind is kept, for conditions and metrics. */
  health(): readonly InformerHealth[] {
    return this.#mesh.all().map((informer) => informer.health());
  }

  async close(): Promise<void> {
    this.#closed.abort();
    this.#listeners.clear();
    await this.#mesh.stop();
  }

  /** Somebody changed or deleted an object of ours, or made one in its place. */
  #renderedChanged(event: ObjectEvent<LiveObject>): void {
    const isAsLeft = (event.type === "added" || event.type === "modified") && this.#writes.wanted(event.object) !== undefined;
    if (this.#rendered.changed(event, isAsLeft)) this.#changed(true);
  }

  #changed(urgent: boolean): void {
    if (this.#isOpen) this.#pace.changed(urgent);
  }

  #tell(): void {
    const changes = { ...this.#mesh.takeChanges(), ...this.#rendered.takeChanges() };
    this.#statuses.told(changes.fences);
    if (isNothing(changes)) return;
    for (const listener of this.#listeners) {
      try {
        listener(changes);
      } catch (cause) {
        const message = cause instanceof Error ? cause.message : String(cause);
        this.#options.onTrouble(new FencelineError("LISTENER_FAILED", { message, cause }));
      }
    }
  }

  #isOwnerCertain({ owners, namespace }: LiveObject): boolean {
    const owner = owners.find(({ controller }) => controller === true);
    const places = this.#ownKind(owner?.kind ?? "")?.places;
    const place = places?.find(({ resource }) => resource.apiVersion === owner?.apiVersion);
    return owner !== undefined && (place?.informer.isCertain({ namespace, name: owner.name }) ?? false);
  }

  #ownKind(name: string): ObservedOwnKind<ServiceFence> | ObservedOwnKind<OwnObject> | undefined {
    return name === SERVICE_FENCE.name ? this.#mesh.fences : this.#mesh.own.get(name);
  }
}
