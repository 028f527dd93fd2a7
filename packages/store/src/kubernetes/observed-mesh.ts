import {
  type FencelineError,
  groupOf,
  type Kind,
  MANAGED_BY_LABEL,
  MANAGER,
  MESH_CONFIG,
  type MeshKind,
  type ObjectRef,
  type OwnerReference,
  type OwnKind,
  type OwnObject,
  type ReadKind,
  type RenderedKind,
  SIDECAR,
} from "@fenceline/api";
import type { Clock, KubernetesApi, ObjectEvent } from "@fenceline/kubernetes";
import { Informer, keyText, type ObjectKey, type Resource } from "@fenceline/kubernetes";
import type { ChangesByKind } from "../pending-changes.ts";
import type { DefaultSidecar, MeshChanges, MeshConfig, MeshSnapshot, UnreadReason } from "../store.ts";
import { type LiveObject, readLiveObject } from "./apply/live-object.ts";
import { isOrphaned, ownerOf } from "./apply/ownership.ts";
import { KeptObjects } from "./kept-object.ts";
import { ObservedInstallation } from "./observed-installation.ts";
import { changeOf, ObservedKind } from "./observed-kind.ts";
import { ObservedMeshConfig } from "./observed-mesh-config.ts";
import { ObservedMeshKind } from "./observed-mesh-kind.ts";
import { ObservedOwnKind } from "./observed-own-kind.ts";
import { RenderedPlaces } from "./rendered-places.ts";

/** Settings of an {@link ObservedMesh}. */
export interface ObservedMeshOptions {
  readonly api: KubernetesApi;
  readonly clock: Clock;
  /** Kinds of ours. */
  readonly kinds: readonly OwnKind[];
  /** Kinds that are only read. */
  readonly mesh: readonly MeshKind[];
  /** Kinds that are rendered. */
  readonly rendered: readonly RenderedKind[];
  /** The ConfigMaps with Istio's MeshConfigs. */
  readonly meshConfigMaps: readonly ObjectKey[];
  /** Name of the ClusterRole that stands for the installation; undefined for none. */
  readonly installation: string | undefined;
  /** Whether an event of an object of ours brings only what this process is writing. */
  readonly isOurs: (event: ObjectEvent<OwnObject>) => boolean;
  /** Called when there is something to tell. @param urgent whether it is about an object of ours */
  readonly onChange: (urgent: boolean) => void;
  /** Told of an object of ours that came or went. */
  readonly onOwn: (of: ObjectRef) => void;
  /** Told of an object of ours whose spec became unreadable, for another reason, or readable. */
  readonly onFault: (of: ObjectRef) => void;
  /** Told of every event of a rendered kind's object. */
  readonly onRendered: (event: ObjectEvent<LiveObject>) => void;
  readonly onTrouble: (error: FencelineError) => void;
}

/** Changes of what is in neither table. */
type ListChanges = Pick<MeshChanges, "defaultSidecars" | "meshConfigs" | "installations">;

/** An object of a kind that is only read. */
type ReadObject = { readonly metadata: ObjectKey };

/** A kind of either table. */
interface ByKind {
  readonly effective: Pick<ObservedKind<unknown>, "objects" | "take" | "tellFromNowOn">;
  readonly informers: readonly unknown[];
}

/** One informer for each kind that Fenceline reads, and what changed of each. */
export class ObservedMesh {
  readonly rendered: RenderedPlaces;
  /** Kinds of ours, by name. */
  readonly own: ReadonlyMap<string, ObservedOwnKind<OwnObject>>;
  readonly #ownNames: ReadonlySet<string>;
  readonly #options: ObservedMeshOptions;
  readonly #kept = new KeptObjects();
  readonly #informers: readonly Informer<unknown>[];
  /** Kinds that are only read, by name. */
  readonly #read: ReadonlyMap<string, ObservedMeshKind<ReadObject>>;
  readonly #defaultSidecars = new ObservedKind<DefaultSidecar>(() => [...this.#defaults.values()]);
  /** There are few of them among all Sidecars. */
  readonly #defaults = new Map<string, DefaultSidecar>();
  readonly #meshConfigs: ObservedKind<MeshConfig>;
  /** In the order of the configuration. */
  readonly #meshConfigMaps: readonly ObservedMeshConfig[];
  readonly #installation: ObservedInstallation | undefined;
  /** Every list, as of now. */
  readonly snapshot: MeshSnapshot;

  constructor(options: ObservedMeshOptions) {
    const { api, clock, rendered, meshConfigMaps, installation: name, isOurs, onChange, onOwn, onFault, onTrouble } = options;
    this.#options = options;
    const observed = { api, clock, kept: this.#kept, onTrouble };
    // The kinds of a table have different objects. Here it counts only that they are objects.
    const [mesh, own] = [options.mesh as readonly MeshKind<ReadObject>[], options.kinds as readonly OwnKind<OwnObject>[]];
    this.#read = new Map(mesh.map((kind) => [kind.name, new ObservedMeshKind({ ...observed, kind, onChange: () => onChange(false) })]));
    this.own = new Map(
      own.map((kind) => [kind.name, new ObservedOwnKind({ ...observed, kind, isOurs, onChange, onPresence: onOwn, onFault })]),
    );
    this.#ownNames = new Set(this.own.keys());
    this.rendered = new RenderedPlaces(rendered, (kind, resource) => this.#observeRendered(kind, resource));
    this.#meshConfigMaps = meshConfigMaps.map(
      (key) => new ObservedMeshConfig({ ...observed, key, onMesh: (event) => this.#changed(this.#meshConfigs, keyText(key), event) }),
    );
    this.#meshConfigs = new ObservedKind(() => this.#meshConfigMaps.flatMap(({ informer }) => informer.objects()));
    this.#installation = name === undefined ? undefined : new ObservedInstallation({ ...observed, name, onChange: () => onChange(false) });
    this.#informers = [
      ...[...this.#byKind()].flatMap(([, { informers }]) => informers),
      ...this.rendered.all.map(({ informer }) => informer),
      ...this.#meshConfigMaps.map(({ informer }) => informer),
      ...(this.#installation === undefined ? [] : [this.#installation.informer]),
    ] as Informer<unknown>[];
    this.snapshot = this.#view();
  }

  /** @throws {RangeError} when it is not in the table of kinds that are only read */
  informerOf<O>({ name }: MeshKind<O>): Informer<O> {
    return listed(this.#read, name).informer as Informer<unknown> as Informer<O>;
  }

  /** @throws {RangeError} when it is no kind of ours */
  kind<O extends OwnObject>({ name }: OwnKind<O>): ObservedOwnKind<O> {
    return listed(this.own, name) as unknown as ObservedOwnKind<O>;
  }

  /** The object that stands for the installation; undefined while none is known. */
  get installation(): OwnerReference | undefined {
    return this.#installation?.effective.objects()[0];
  }

  all(): readonly Informer<unknown>[] {
    return this.#informers;
  }

  /**
   * Starts every informer. Resolves when each has its first list, or knows that it cannot have one.
   * What is in these lists is not told as a change.
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

  /** The object that counts, of those with this name. */
  objectOf<O>({ name }: ReadKind<O>, key: ObjectKey): O | undefined {
    return (this.own.get(name)?.find(key)?.object ?? this.#read.get(name)?.informer.get(key)?.value) as O | undefined;
  }

  /** Objects of ours are in one informer, and those of others may be in another. */
  versionsIn({ name }: Kind, namespace: string): string {
    const rendered = this.rendered.all.filter(({ kind }) => kind.name === name);
    const ours = rendered.flatMap(({ informer }) => versionsOf(informer, namespace, informer.objects()));
    const read = this.#read.get(name)?.informer;
    const others = (read?.objects() ?? []).map(({ metadata }) => metadata);
    return [...ours, ...(read === undefined ? [] : versionsOf(read, namespace, others))].join();
  }

  /**
   * Why a kind that is read or rendered, or MeshConfig, cannot be read; undefined when it can. What
   * was known before stays in force.
   */
  unread({ name }: Kind): UnreadReason | undefined {
    const rendered = this.rendered.all.filter(({ kind }) => kind.name === name);
    const informers = name === MESH_CONFIG.name ? this.#meshConfigMaps : [this.#read.get(name), ...rendered];
    const health = informers.flatMap((each) => each?.informer.health() ?? []).find(({ state }) => state === "unavailable");
    return health === undefined ? undefined : health.absent ? "NotInstalled" : "NotPermitted";
  }

  /**
   * Whether it is certain that the owner of a rendered object exists, or that it does not. Where an
   * object has lost its owner reference, Kubernetes has looked for the owner. There can be none
   * then where the CRD is not installed.
   */
  isOwnerKnown(live: LiveObject): boolean {
    const { owners, namespace } = live;
    const { kind = "", name = "" } = ownerOf(live, this.#ownNames) ?? {};
    const places = this.own.get(kind)?.places ?? [];
    const isKnownAt = ({ informer }: (typeof places)[number]) => informer.isKnown({ namespace, name });
    if (isOrphaned(live)) return places.length > 0 && places.every((place) => place.informer.absent || isKnownAt(place));
    const group = groupOf(owners.find(({ controller }) => controller === true)?.apiVersion ?? "");
    return places.some((place) => groupOf(place.resource.apiVersion) === group && isKnownAt(place));
  }

  /** What changed since the last call. */
  takeChanges(): { readonly lists: ListChanges; readonly byKind: ChangesByKind } {
    const installations = this.#installation?.effective.take() ?? [];
    const lists = { defaultSidecars: this.#defaultSidecars.take(), meshConfigs: this.#meshConfigs.take(), installations };
    return { lists, byKind: new Map([...this.#byKind()].map(([name, { effective }]) => [name, effective.take()])) };
  }

  *#byKind(): Generator<readonly [string, ByKind]> {
    yield* this.#read;
    yield* this.own;
  }

  #kinds(): readonly Pick<ObservedKind<unknown>, "tellFromNowOn">[] {
    const installation = this.#installation === undefined ? [] : [this.#installation.effective];
    return [this.#defaultSidecars, this.#meshConfigs, ...installation, ...[...this.#byKind()].map(([, { effective }]) => effective)];
  }

  #view(): MeshSnapshot {
    const list = <O>(kind: ObservedKind<O>) => ({ enumerable: true, get: () => kind.objects() });
    const byKind = new Map<string, ByKind>(this.#byKind());
    return Object.defineProperties(
      {},
      {
        defaultSidecars: list(this.#defaultSidecars),
        meshConfigs: list(this.#meshConfigs),
        of: { value: ({ name }: ReadKind<unknown>) => byKind.get(name)?.effective.objects() ?? [] },
      },
    ) as MeshSnapshot;
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

  /** Whether a Sidecar is somebody else's and for a whole namespace. */
  #isDefault(live: LiveObject): boolean {
    return (live.selector === undefined || Object.keys(live.selector).length === 0) && ownerOf(live, this.#ownNames) === undefined;
  }
}

function versionsOf(informer: Pick<Informer<unknown>, "get">, namespace: string, keys: readonly ObjectKey[]): readonly string[] {
  const own = keys.filter((key) => key.namespace === namespace);
  return own.map(({ name }) => `${name} ${informer.get({ namespace, name })?.resourceVersion}`);
}

function listed<K>(kinds: ReadonlyMap<string, K>, name: string): K {
  const kind = kinds.get(name);
  if (kind === undefined) throw new RangeError(`${name} is not in the table of kinds`);
  return kind;
}
