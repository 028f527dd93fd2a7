import type {
  FenceKey,
  Kind,
  LabelSelector,
  Labels,
  NeededHost,
  ObjectChange,
  ObjectRef,
  ObjectsByKind,
  OwnerReference,
  ReadKind,
  RenderedObject,
  SpecFault,
} from "@fenceline/api";
import type { ObjectKey } from "@fenceline/kubernetes";
import type { FenceAuthor, PodFinder, ServicePortsAuthor, ShadowTeller, SidecarWidener, StateWatcher } from "./capabilities.ts";
import type { Change, Obstacle } from "./change.ts";

/**
 * What exists now, by kind of the tables. An object of ours has the status that was last written,
 * wherever that is kept. A list is made when it is first asked for, and never changes. After a
 * change of its kind another list is given.
 */
export interface MeshSnapshot extends ObjectsByKind {
  /**
   * Sidecars of others that are for a whole namespace. Undefined where there are none to speak of:
   * in a folder.
   */
  readonly defaultSidecars?: readonly DefaultSidecar[];
  /**
   * Of each control plane, where it can be read. Undefined where there are none to speak of: in a
   * folder.
   */
  readonly meshConfigs?: readonly MeshConfig[];
}

/** What changed since the last telling. Several changes of one object are one. */
export interface MeshChanges {
  /**
   * Changes of a kind of the tables. Every few minutes each object of our kinds is told once more,
   * for whoever missed a change: `before` and `after` are the same then.
   */
  of<O>(kind: ReadKind<O>): readonly ObjectChange<O>[];
  readonly defaultSidecars: readonly ObjectChange<DefaultSidecar>[];
  readonly meshConfigs: readonly ObjectChange<MeshConfig>[];
  /** Of what {@link Store.installation} gives. Default: none. */
  readonly installations?: readonly ObjectChange<OwnerReference>[];
  /** Owners of rendered objects that somebody else changed or deleted. */
  readonly disturbed: readonly ObjectRef[];
  /** Objects of ours for which {@link Store.faultOf} gives another answer than before. */
  readonly faults: readonly ObjectRef[];
  /** Namespaces in which {@link Store.foreign} gives other objects than before. */
  readonly foreign: readonly string[];
}

/** Of Istio's MeshConfig what is needed. */
export interface MeshConfig {
  /** `outboundTrafficPolicy.mode`: what becomes of hosts that Istio does not know. */
  readonly outbound: "ALLOW_ANY" | "REGISTRY_ONLY";
  /** `rootNamespace`; undefined where it has Istio's default. */
  readonly rootNamespace: string | undefined;
  /** `defaultServiceExportTo`: who sees a ServiceEntry without `exportTo`. Default: everybody. */
  readonly serviceExportTo?: readonly string[];
  /** `defaultVirtualServiceExportTo`, the same of a VirtualService. */
  readonly virtualServiceExportTo?: readonly string[];
  /** `discoverySelectors`: istiod knows the Namespaces that one of them takes. Default: all. */
  readonly discoverySelectors?: readonly LabelSelector[];
  /** Hosts that it has proxies call. Default: none. */
  readonly neededHosts?: readonly NeededHost[];
}

/**
 * A Sidecar without a selector: for the pods of its namespace; in Istio's root namespace for those
 * of every namespace that has none.
 */
export interface DefaultSidecar {
  readonly namespace: string;
  /** Of its `outboundTrafficPolicy`; undefined where that of the mesh counts. */
  readonly outbound: "ALLOW_ANY" | "REGISTRY_ONLY" | undefined;
  /** What it shows, as it names it. Default: everything. */
  readonly egressHosts?: readonly string[];
}

/** A rendered kind's object that somebody else made. */
export interface ForeignObject {
  readonly namespace: string;
  readonly name: string;
  /** Labels of the pods that it is for; undefined when it is for the whole namespace. */
  readonly selector: Labels | undefined;
  /**
   * Of a Sidecar for a whole namespace: fields that it has beside hosts and the mode of
   * `outboundTrafficPolicy`. Default: none.
   */
  readonly settings?: readonly string[];
  /** Of a Sidecar for a whole namespace: what it shows, as it names it. Default: everything. */
  readonly egressHosts?: readonly string[];
  /** Of a Sidecar: the mode of its `outboundTrafficPolicy`. Default: that of the mesh counts. */
  readonly outbound?: "ALLOW_ANY" | "REGISTRY_ONLY";
}

/**
 * - `NotInstalled`: the API server does not know the kind
 * - `NotPermitted`: we may not list it
 */
export type UnreadReason = "NotInstalled" | "NotPermitted";

/** Where observed objects come from, and where what was learned and rendered goes. */
export interface Store {
  /** What exists now, also what is not told yet. */
  snapshot(): MeshSnapshot;
  /** The object of a kind as {@link snapshot} has it. Costs a look-up. */
  objectOf<O>(kind: ReadKind<O>, key: ObjectKey): O | undefined;
  /**
   * Calls `listener` with what changed, until the returned function is called. A change that {@link
   * snapshot} showed before the first call may be told anyway.
   */
  onChange(listener: (changes: MeshChanges) => void): () => void;
  /**
   * Objects that Fenceline rendered for the owner, as they are in the store now, in the order in
   * which kinds are applied.
   */
  ownedBy(owner: ObjectRef): readonly RenderedObject[];
  /**
   * Objects of a kind of ours that are certainly gone, while rendered objects or a status of theirs
   * are left. It costs no more than there are of them, so it may be called often.
   */
  goneOwners(kind: Kind): readonly ObjectRef[];
  /**
   * Why the spec of an object of ours cannot be read; undefined when it can. The version before, if
   * there was one, is what {@link objectOf} gives and stays in force.
   */
  faultOf(of: ObjectRef): SpecFault | undefined;
  /** Objects of a kind of ours whose spec cannot be read. */
  faulty(kind: Kind): readonly ObjectRef[];
  /**
   * Objects of others of a rendered kind in a namespace: where a Sidecar selects the pods of
   * one of ours too, Istio uses the older of the two.
   */
  foreign(kind: Kind, namespace: string): readonly ForeignObject[];
  /**
   * Says something else once an object of a rendered kind in a namespace is another, whoever's it
   * is. Costs a look at all of the kind. Undefined where nothing but us reads what is rendered.
   */
  versionsIn?(kind: Kind, namespace: string): string;
  /**
   * Why no objects of a kind that is read or rendered, or no {@link MESH_CONFIG}, can be had;
   * undefined when they can.
   */
  unread(kind: Kind): UnreadReason | undefined;
  /**
   * Carries out one change. It is done when the promise resolves with undefined. If the process
   * dies before, it is done as a whole or not at all. Resolves with what stands in its way where a
   * person has to act first; rejects where the same write may succeed later.
   */
  apply(change: Change): Promise<Obstacle | undefined>;
  /** Keeps the status of an object of ours, whole. The same guarantees as {@link Store.apply}. */
  writeStatus(of: ObjectRef, status: object): Promise<Obstacle | undefined>;
  /** Forgets the status of an object that was deleted. */
  deleteStatus(of: ObjectRef): Promise<void>;
  /**
   * Whether it is certain that a fence or Service of this name is in the snapshot or does not
   * exist. It is not while a kind cannot be listed, nor when an object of this name is not valid.
   */
  isKnown(key: FenceKey): boolean;
  /** Undefined where fences are made by people only. */
  readonly fences?: FenceAuthor;
  /** Undefined where a Service is nobody's but its author's. */
  readonly ports?: ServicePortsAuthor;
  /** Undefined where there is only one writer. */
  readonly sidecars?: SidecarWidener;
  /** Undefined where no two objects of a kind have one name. */
  readonly shadows?: ShadowTeller;
  /** Undefined where there are no pods. */
  readonly pods?: PodFinder;
  /** Undefined where nobody but we takes a status away. */
  readonly states?: StateWatcher;
  /**
   * A second owner of rendered objects, which stands for the installation. With it they outlive the
   * object that they are rendered for, until they are removed in steps. Undefined where there is
   * none.
   */
  installation?(): OwnerReference | undefined;
  close(): Promise<void>;
}
