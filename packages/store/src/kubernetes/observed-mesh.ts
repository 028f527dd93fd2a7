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
  type ObjectRef,
  type OwnKind,
  type OwnObject,
  type RenderedKind,
  SERVICE,
  SERVICE_CIDR,
  type Service,
  type ServiceCIDR,
  SIDECAR,
} from "@fenceline/api";
import type { Clock, KubernetesApi, ObjectEvent, WireObject } from "@fenceline/kubernetes";
import { hasStatus, Informer, keyText, type ObjectKey, type Resource, readerOf } from "@fenceline/kubernetes";
import type { OwnChanges } from "../pending-changes.ts";
import type { DefaultSidecar, MeshChanges, MeshConfig, MeshSnapshot } from "../store.ts";
import { type LiveObject, readLiveObject } from "./apply/live-object.ts";
import { ownerOf } from "./apply/ownership.ts";
import { KeptObjects } from "./kept-object.ts";
import { changeOf, ObservedKind } from "./observed-kind.ts";
import { ObservedMeshConfig } from "./observed-mesh-config.ts";
import { ObservedOwnKind } from "./observed-own-kind.ts";
import { RenderedPlaces } from "./rendered-places.ts";
import { ENDPOINT_SLICES, NAMESPACES, NODES, SERVICE_CIDRS, SERVICES } from "./resources.ts";

/** Settings of an {@link ObservedMesh}. */
export interface ObservedMeshOptions {
  readonly api: KubernetesApi;
  readonly clock: Clock;
  /** Kinds of ours. */
  readonly kinds: readonly OwnKind[];
  /** Kinds that are rendered. */
  readonly rendered: readonly RenderedKind[];
  /** The ConfigMaps with Istio's MeshConfigs. */
  readonly meshConfigMaps: readonly ObjectKey[];
  /** Whether an event of an object of ours says nothing but what this process writes. */
  readonly isOurs: (event: ObjectEvent<OwnObject>) => boolean;
  /** Told that something is to be told. @param urgent whether it is about an object of ours */
  readonly onChange: (urgent: boolean) => void;
  /** Told of an object of ours that came or went. */
  readonly onOwn: (of: ObjectRef) => void;
  /** Told of every event of a rendered kind's object. */
  readonly onRendered: (event: ObjectEvent<LiveObject>) => void;
  readonly onTrouble: (error: FencelineError) => void;
}

/** One informer for each kind that Fenceline looks at, and what changed of each. */
export class ObservedMesh {
  readonly services: Informer<Service>;
  readonly rendered: RenderedPlaces;
  /** Kinds of ours, by name. */
  readonly own: ReadonlyMap<string, ObservedOwnKind<OwnObject>>;
  readonly #ownNames: ReadonlySet<string>;
  readonly #options: ObservedMeshOptions;
  readonly #kept = new KeptObjects();
  readonly #informers: Informer<unknown>[] = [];
  readonly #namespaces: ObservedKind<Namespace>;
  readonly #nodes: ObservedKind<Node>;
  readonly #serviceCIDRs: ObservedKind<ServiceCIDR>;
  readonly #services: ObservedKind<Service>;
  readonly #endpointSlices: ObservedKind<EndpointSlice>;
  readonly #defaultSidecars = new ObservedKind<DefaultSidecar>(() => [...this.#defaults.values()]);
  /** Few among all Sidecars. */
  readonly #defaults = new Map<string, DefaultSidecar>();
  readonly #meshConfigs: ObservedKind<MeshConfig>;
  /** In the order of the configuration. */
  readonly #meshConfigMaps: readonly ObservedMeshConfig[];
  /** Every list, as of now. */
  readonly snapshot: MeshSnapshot;

  constructor(options: ObservedMeshOptions) {
    const { api, clock, kinds, rendered, meshConfigMaps, isOurs, onChange, onOwn, onTrouble } = options;
    this.#options = options;
    const observed = { api, clock, onTrouble };
    const readService = readerOf(SERVICE);
    const readSlice = readerOf(ENDPOINT_SLICE);
    [, this.#namespaces] = this.#observe(NAMESPACES, readerOf(NAMESPACE));
    [this.services, this.#services] = this.#observe(SERVICES, (object) => this.#kept.service(readService(object)));
    [, this.#endpointSlices] = this.#observe(ENDPOINT_SLICES, (object) => this.#kept.endpointSlice(readSlice(object)));
    [, this.#nodes] = this.#observe(NODES, readerOf(NODE));
    // A kind that older clusters lack: without it the ranges of Services are not known, and nothing
    // else is missing.
    [, this.#serviceCIDRs] = this.#observe(SERVICE_CIDRS, readerOf(SERVICE_CIDR), (error) => {
      if (!hasStatus(error, 404)) onTrouble(error);
    });
    const own = kinds as readonly OwnKind<OwnObject>[];
    this.own = new Map(
      own.map((kind) => [kind.name, new ObservedOwnKind({ ...observed, kept: this.#kept, kind, isOurs, onChange, onPresence: onOwn })]),
    );
    this.#ownNames = new Set(kinds.map(({ name }) => name));
    this.rendered = new RenderedPlaces(rendered, (kind, resource) => this.#observeRendered(kind, resource));
    this.#meshConfigMaps = meshConfigMaps.map(
      (key) => new ObservedMeshConfig({ ...observed, key, onMesh: (event) => this.#changed(this.#meshConfigs, keyText(key), event) }),
    );
    this.#meshConfigs = new ObservedKind(() => this.#meshConfigMaps.flatMap(({ informer }) => informer.objects()));
    this.#informers.push(
      ...([
        ...[...this.own.values()].flatMap(({ informers }) => informers),
        ...this.rendered.all.map(({ informer }) => informer),
      ] as Informer<unknown>[]),
      ...(this.#meshConfigMaps.map(({ informer }) => informer) as Informer<unknown>[]),
    );
    this.snapshot = this.#view();
  }

  /** @throws {RangeError} when it is no kind of ours */
  kind<O extends OwnObject>({ name }: OwnKind<O>): ObservedOwnKind<O> {
    const kind = this.own.get(name);
    if (kind === undefined) throw new RangeError(`${name} is not in the table of kinds`);
    return kind as unknown as ObservedOwnKind<O>;
  }

  all(): readonly Informer<unknown>[] {
    return this.#informers;
  }

  /**
   * Starts every informer. Resolves when each has its first list, or knows that there is none to be
   * had. What these lists bring is not told.
   */
  async start(): Promise<void> {
    for (const informer of this.#informers) informer.start();
    await Promise.all(this.#informers.map((informer) => informer.settled()));
    for (const config of this.#meshConfigMaps) config.tellIfMissing();
    for (const kind of this.#kinds()) kind.tellFromNowOn();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#informers.map((informer) => informer.stop()));
  }

  /** What changed since it was last asked for. */
  takeChanges(): { readonly lists: Omit<MeshChanges, "of" | "disturbed" | "foreign">; readonly own: OwnChanges } {
    const lists = {
      namespaces: this.#namespaces.take(),
      nodes: this.#nodes.take(),
      serviceCIDRs: this.#serviceCIDRs.take(),
      services: this.#services.take(),
      endpointSlices: this.#endpointSlices.take(),
      defaultSidecars: this.#defaultSidecars.take(),
      meshConfigs: this.#meshConfigs.take(),
    };
    return { lists, own: new Map([...this.own].map(([name, { effective }]) => [name, effective.take()])) };
  }

  #kinds(): readonly Pick<ObservedKind<unknown>, "tellFromNowOn">[] {
    return [
      ...[this.#namespaces, this.#nodes, this.#serviceCIDRs, this.#services, this.#endpointSlices],
      ...[this.#defaultSidecars, this.#meshConfigs],
      ...[...this.own.values()].map((kind) => kind.effective),
    ];
  }

  #view(): MeshSnapshot {
    const list = <O>(kind: ObservedKind<O>) => ({ enumerable: true, get: () => kind.objects() });
    return Object.defineProperties(
      {},
      {
        namespaces: list(this.#namespaces),
        nodes: list(this.#nodes),
        serviceCIDRs: list(this.#serviceCIDRs),
        services: list(this.#services),
        endpointSlices: list(this.#endpointSlices),
        defaultSidecars: list(this.#defaultSidecars),
        meshConfigs: list(this.#meshConfigs),
        of: { value: ({ name }: OwnKind) => this.own.get(name)?.effective.objects() ?? [] },
      },
    ) as MeshSnapshot;
  }

  #observe<O extends { readonly metadata: ObjectKey }>(
    resource: Resource,
    parse: (object: WireObject) => O,
    onTrouble = this.#options.onTrouble,
  ): [Informer<O>, ObservedKind<O>] {
    const { api, clock } = this.#options;
    const informer = new Informer<O>({
      ...{ api, clock, resource, parse, onTrouble },
      onEvent: (event) => this.#changed(kind, keyText(event.object.metadata), event),
    });
    const kind = new ObservedKind(() => informer.objects());
    this.#informers.push(informer as Informer<unknown>);
    return [informer, kind];
  }

  #observeRendered({ name, isContested }: RenderedKind, resource: Resource): Informer<LiveObject> {
    const { api, clock, onTrouble, onRendered } = this.#options;
    return new Informer<LiveObject>({
      ...{ api, clock, resource, labelSelector: isContested ? undefined : `${MANAGED_BY_LABEL}=${MANAGER}`, onTrouble },
      parse: (object) => this.#kept.live(readLiveObject(name, object)),
      onEvent: (event) => {
        if (name === SIDECAR.name) this.#sidecarChanged(event);
        onRendered(event);
      },
    });
  }

  #changed<O>(kind: ObservedKind<O>, key: string, event: ObjectEvent<O>): void {
    if (event.type === "resync") return;
    kind.changed(key, changeOf(event));
    this.#options.onChange(false);
  }

  #sidecarChanged(event: ObjectEvent<LiveObject>): void {
    if (event.type === "resync") return;
    const change = changeOf(event);
    const [before, after] = [change.before, change.after].map((live) => (live !== undefined && this.#isDefault(live) ? live : undefined));
    if (before === undefined && after === undefined) return;
    const key = keyText(event.object);
    if (after === undefined) this.#defaults.delete(key);
    else this.#defaults.set(key, after);
    this.#defaultSidecars.changed(key, { before, after });
    this.#options.onChange(false);
  }

  /** Whether a Sidecar is somebody else's, and for a whole namespace. */
  #isDefault(live: LiveObject): boolean {
    return (live.selector === undefined || Object.keys(live.selector).length === 0) && ownerOf(live, this.#ownNames) === undefined;
  }
}
