import {
  ENDPOINT_SLICE,
  type EndpointSlice,
  type FencelineError,
  MANAGED_BY_LABEL,
  MANAGER,
  NAMESPACE,
  type Namespace,
  NODE,
  type Node,
  SERVICE,
  SERVICE_CIDR,
  type Service,
  type ServiceCIDR,
  type ServiceFence,
} from "@fenceline/api";
import type { Clock, KubernetesApi, ObjectEvent, WireObject } from "@fenceline/kubernetes";
import { hasStatus, Informer, type ObjectKey, type Resource, readerOf } from "@fenceline/kubernetes";
import type { MeshSnapshot } from "../store.ts";
import { type LiveObject, readLiveObject } from "./apply/live-object.ts";
import { ownerOf } from "./apply/ownership.ts";
import { ObservedMeshConfig } from "./observed-mesh-config.ts";
import { fenceReader } from "./read-fence.ts";
import { ENDPOINT_SLICES, ENVOY_FILTERS, NAMESPACES, NODES, SERVICE_CIDRS, SERVICE_FENCES, SERVICES, SIDECARS } from "./resources.ts";

/** Settings of an {@link ObservedMesh}. */
export interface ObservedMeshOptions {
  readonly api: KubernetesApi;
  readonly clock: Clock;
  /** The ConfigMaps with Istio's MeshConfigs. */
  readonly meshConfigMaps: readonly ObjectKey[];
  /** Told of every event of a kind that is part of a snapshot. */
  readonly onMesh: (event: ObjectEvent<unknown>) => void;
  /** Told of every event of a Sidecar or EnvoyFilter. */
  readonly onRendered: (event: ObjectEvent<LiveObject>) => void;
  readonly onTrouble: (error: FencelineError) => void;
}

/** The informers of one group's fences. */
export interface FenceInformer {
  readonly resource: Resource;
  readonly informer: Informer<ServiceFence>;
}

/** One informer for each kind that Fenceline looks at. */
export class ObservedMesh {
  readonly namespaces: Informer<Namespace>;
  readonly nodes: Informer<Node>;
  /**
   * A kind that older clusters lack: without it the ranges of Services are not known, and nothing
   * else is missing.
   */
  readonly serviceCIDRs: Informer<ServiceCIDR>;
  readonly services: Informer<Service>;
  readonly endpointSlices: Informer<EndpointSlice>;
  /** In the order of precedence. */
  readonly fences: readonly FenceInformer[];
  /** All of them: a Sidecar of somebody else may be for the pods of a fence. */
  readonly sidecars: Informer<LiveObject>;
  /** Ours only. */
  readonly envoyFilters: Informer<LiveObject>;
  /** In the order of the configuration. */
  readonly #meshConfigs: readonly ObservedMeshConfig[];

  constructor({ api, clock, meshConfigMaps, onMesh, onRendered, onTrouble }: ObservedMeshOptions) {
    const mesh = <T>(resource: Resource, parse: (object: WireObject, previous: T | undefined) => T) =>
      new Informer<T>({ api, clock, resource, parse, onEvent: onMesh, onTrouble });
    const rendered = (resource: Resource, kind: LiveObject["kind"], labelSelector?: string) => {
      const parse = (object: WireObject) => readLiveObject(kind, object);
      return new Informer<LiveObject>({ api, clock, resource, labelSelector, parse, onEvent: onRendered, onTrouble });
    };
    this.namespaces = mesh(NAMESPACES, readerOf(NAMESPACE));
    this.nodes = mesh(NODES, readerOf(NODE));
    this.serviceCIDRs = new Informer<ServiceCIDR>({
      ...{ api, clock, resource: SERVICE_CIDRS, parse: readerOf(SERVICE_CIDR), onEvent: onMesh },
      onTrouble: (error) => {
        if (!hasStatus(error, 404)) onTrouble(error);
      },
    });
    this.services = mesh(SERVICES, readerOf(SERVICE));
    this.endpointSlices = mesh(ENDPOINT_SLICES, readerOf(ENDPOINT_SLICE));
    this.fences = SERVICE_FENCES.map((resource) => ({ resource, informer: mesh(resource, fenceReader(onTrouble)) }));
    this.sidecars = rendered(SIDECARS, "Sidecar");
    this.#meshConfigs = meshConfigMaps.map((key) => new ObservedMeshConfig({ api, clock, key, onMesh, onTrouble }));
    this.envoyFilters = rendered(ENVOY_FILTERS, "EnvoyFilter", `${MANAGED_BY_LABEL}=${MANAGER}`);
  }

  all(): readonly Informer<unknown>[] {
    const fences = this.fences.map(({ informer }) => informer);
    return [
      this.namespaces,
      this.services,
      this.endpointSlices,
      this.nodes,
      this.serviceCIDRs,
      ...fences,
      this.sidecars,
      this.envoyFilters,
      ...this.#meshConfigs.map(({ informer }) => informer),
    ] as Informer<unknown>[];
  }

  /**
   * Starts every informer. Resolves when each has its first list, or knows that there is none to be
   * had.
   */
  async start(): Promise<void> {
    for (const informer of this.all()) informer.start();
    await Promise.all(this.all().map((informer) => informer.settled()));
    for (const config of this.#meshConfigs) config.tellIfMissing();
  }

  async stop(): Promise<void> {
    await Promise.all(this.all().map((informer) => informer.stop()));
  }

  /**
   * A view of everything, now. An object that did not change is the same object as in the view
   * before.
   */
  snapshot(): MeshSnapshot {
    const fences = new Map<string, ServiceFence>();
    for (const { informer } of this.fences) {
      for (const fence of informer.objects()) {
        const key = `${fence.metadata.namespace}/${fence.metadata.name}`;
        if (!fences.has(key)) fences.set(key, fence);
      }
    }
    return {
      namespaces: this.namespaces.objects(),
      nodes: this.nodes.objects(),
      serviceCIDRs: this.serviceCIDRs.objects(),
      services: this.services.objects(),
      endpointSlices: this.endpointSlices.objects(),
      defaultSidecars: this.sidecars.objects().filter((live) => isDefault(live) && ownerOf(live) === undefined),
      meshConfigs: this.#meshConfigs.flatMap(({ informer }) => informer.objects()),
      fences: [...fences.values()],
    };
  }
}

function isDefault({ selector }: LiveObject): boolean {
  return selector === undefined || Object.keys(selector).length === 0;
}
