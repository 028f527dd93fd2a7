import { isJsonObject } from "../json-object.ts";
import type { Labels } from "../object.ts";
import { type ConfigPatch, patchesByName } from "./envoy-filter.ts";
import type { Kind } from "./kind.ts";

/**
 * The Istio kinds that Fenceline renders. Plain types: we write these, we do not validate what
 * others wrote. `v1beta1` of Sidecar is served by every Istio since 1.5; EnvoyFilter has no later
 * version than `v1alpha3`.
 */

/**
 * Versions of the kinds of Istio's networking that are only read. `v1beta1` first: every Istio
 * since 1.5 serves it, `v1` those since 1.22.
 */
export const NETWORKING_VERSIONS = ["networking.istio.io/v1beta1", "networking.istio.io/v1", "networking.istio.io/v1alpha3"] as const;

/**
 * What a store has Istio's MeshConfig from. Of ConfigMaps only those that the configuration names
 * are looked at.
 */
export const MESH_CONFIG: Kind<"ConfigMap"> = { name: "ConfigMap", plural: "configmaps", apiVersions: ["v1"], isNamespaced: true };

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  /** Only of the object of ours for which another one is rendered. */
  readonly controller?: true;
  readonly blockOwnerDeletion?: true;
}

export interface RenderedMeta {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Labels;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
}

/** A listener for outbound calls, with the hosts that it imports. */
export interface EgressListener {
  readonly hosts: readonly string[];
  /**
   * Undefined for the one that takes whatever no other does. Istio wants that one to be the last.
   */
  readonly port?: { readonly number: number; readonly protocol: string; readonly name: string };
  readonly bind?: string;
  readonly captureMode?: "NONE";
}

export interface Sidecar {
  readonly apiVersion: "networking.istio.io/v1beta1";
  readonly kind: "Sidecar";
  readonly metadata: RenderedMeta;
  readonly spec: {
    readonly workloadSelector: { readonly labels: Labels };
    readonly egress: readonly EgressListener[];
    /** Default: that of MeshConfig. */
    readonly outboundTrafficPolicy?: { readonly mode: "ALLOW_ANY" | "REGISTRY_ONLY" };
  };
}

export interface EnvoyFilter {
  readonly apiVersion: "networking.istio.io/v1alpha3";
  readonly kind: "EnvoyFilter";
  readonly metadata: RenderedMeta;
  readonly spec: {
    readonly workloadSelector: { readonly labels: Labels };
    /** Istio applies those of a workload from the lowest to the highest. Default 0. */
    readonly priority?: number;
    readonly configPatches: readonly ConfigPatch[];
  };
}

/** An object of {@link RENDERED_KINDS}. */
export type RenderedObject = Sidecar | EnvoyFilter;

/**
 * Where the listener of parked hosts is bound: an abstract socket, so that it takes no port and no
 * file. Port 0 makes istiod import every port of a Service; with any other number only that one.
 */
const PARKED = {
  port: { number: 0, protocol: "HTTP", name: "http-parked" },
  bind: "unix://@fenceline-parked",
  captureMode: "NONE",
} as const;

/** What a workload without a Sidecar sees, as a Sidecar would name it. */
export const EVERYTHING = "*/*";

/** The hosts that a Sidecar shows, as it names them; none of another kind. */
export function sidecarHosts(object: RenderedObject): readonly string[] {
  return object.kind === "Sidecar" ? object.spec.egress.flatMap((listener) => (isParked(listener) ? [] : listener.hosts)) : [];
}

/**
 * The hosts whose clusters a Sidecar keeps in the Envoy while no call can reach them: they are
 * about to be shown, or to go.
 */
export function parkedHosts(object: RenderedObject): readonly string[] {
  return object.kind === "Sidecar" ? object.spec.egress.flatMap((listener) => (isParked(listener) ? listener.hosts : [])) : [];
}

/** The same Sidecar with other hosts. Without parked ones it has no listener for them. */
export function withHosts(sidecar: Sidecar, shown: readonly string[], parked: readonly string[]): Sidecar {
  const egress = [...(parked.length === 0 ? [] : [{ ...PARKED, hosts: parked }]), { hosts: shown }];
  return { ...sidecar, spec: { ...sidecar.spec, egress } };
}

function isParked({ bind }: EgressListener): boolean {
  return bind === PARKED.bind;
}

/** Hosts are what they are called. */
function byThemselves(hosts: readonly string[]): ReadonlyMap<string, string> {
  return new Map(hosts.map((host) => [host, host]));
}

/** A kind whose objects Fenceline renders. */
export interface RenderedKind<Name extends string = string> extends Kind<Name> {
  /** What to install where the API server has no such kind. */
  readonly comesWith: string;
  /**
   * Whether objects of others are looked at too, since they may be for the same pods as ours. Of
   * other kinds only ours are listed.
   */
  readonly isContested: boolean;
  /** Lists of objects in its `spec` that a controller looks into. */
  readonly lists: readonly string[];
  /**
   * Whether an object of these lists is as it is rendered, as far as a controller looks into it.
   * Default: each is.
   */
  readonly isItem?: (item: object) => boolean;
  /** What the log line of a write names of an object of it. Default: nothing. */
  readonly parts?: readonly RenderedParts[];
}

/** Parts of a rendered object, such as the hosts that it shows. */
export interface RenderedParts {
  /** Fields of the log line for those that came, and those that went. */
  readonly came: string;
  readonly went: string;
  /** The parts by their names. One that is another under its name is `changed`. */
  readonly of: (object: RenderedObject) => ReadonlyMap<string, unknown>;
}

/** `v1beta1`, as rendered: every Istio since 1.5 serves it. */
export const SIDECAR: RenderedKind<"Sidecar"> = {
  name: "Sidecar",
  plural: "sidecars",
  apiVersions: ["networking.istio.io/v1beta1"],
  isNamespaced: true,
  comesWith: "the CRDs of Istio",
  isContested: true,
  lists: ["egress"],
  isItem: (item) => "hosts" in item && Array.isArray(item.hosts) && item.hosts.every((host) => typeof host === "string"),
  parts: [
    { came: "added", went: "removed", of: (object) => byThemselves(sidecarHosts(object)) },
    { came: "parked", went: "unparked", of: (object) => byThemselves(parkedHosts(object)) },
  ],
};

export const ENVOY_FILTER: RenderedKind<"EnvoyFilter"> = {
  name: "EnvoyFilter",
  plural: "envoyfilters",
  apiVersions: ["networking.istio.io/v1alpha3"],
  isNamespaced: true,
  comesWith: "the CRDs of Istio",
  isContested: false,
  lists: ["configPatches"],
  isItem: (item) => "patch" in item && isJsonObject(item.patch) && (!("value" in item.patch) || isJsonObject(item.patch.value)),
  parts: [
    {
      came: "added",
      went: "removed",
      of: (object) => (object.kind === "EnvoyFilter" ? patchesByName(object.spec.configPatches) : new Map()),
    },
  ],
};

/**
 * The table of rendered kinds: stores, informers, withdrawal and the chart's rights read it. In the
 * order in which a mesh takes them in: a host is hidden only after the fallback catches calls to
 * it.
 */
export const RENDERED_KINDS: readonly RenderedKind<RenderedObject["kind"]>[] = [ENVOY_FILTER, SIDECAR];
