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
   * Sidecars of others that are for a whole namespace. Undefined in a folder, where there are none.
   */
  readonly defaultSidecars?: readonly DefaultSidecar[];
  /**
   * One for each control plane whose MeshConfig can be read. Undefined in a folder, where there is
   * none.
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
  /** Changes of what {@link Store.installation} returns. Default: none. */
  readonly installations?: readonly ObjectChange<OwnerReference>[];
  /** Owners of rendered objects that somebody else changed or deleted. */
  readonly disturbed: readonly ObjectRef[];
  /** Objects of ours for which {@link Store.faultOf} gives another answer than before. */
  readonly faults: readonly ObjectRef[];
  /** Namespaces in which {@link Store.foreign} gives other objects than before. */
  readonly foreign: readonly string[];
}

/** The part of Istio's MeshConfig that is needed. */
export interface MeshConfig {
  /** `outboundTrafficPolicy.mode`: how proxies treat hosts that Istio does not know. */
  readonly outbound: "ALLOW_ANY" | "REGISTRY_ONLY";
  /** `rootNamespace`; undefined where it has Istio's default. */
  readonly rootNamespace: string | undefined;
  /** `defaultServiceExportTo`: who sees a ServiceEntry without `exportTo`. Default: everybody. */
  readonly serviceExportTo?: readonly string[];
  /** `defaultVirtualServiceExportTo`: the same for a VirtualService. */
  readonly virtualServiceExportTo?: readonly string[];
  /** `discoverySelectors`: istiod reads only Namespaces that match one of them. Default: all. */
  readonly discoverySelectors?: readonly LabelSelector[];
  /** Hosts that proxies call because of it. Default: none. */
  readonly neededHosts?: readonly NeededHost[];
}

/**
 * A Sidecar without a selector: it is for the pods of its namespace, or, in Istio's root namespace,
 * for those of every namespace that has none.
 */
export interface DefaultSidecar {
  readonly namespace: string;
  /** The mode of its `outboundTrafficPolicy`; undefined where that of the mesh counts. */
  readonly outbound: "ALLOW_ANY" | "REGISTRY_ONLY" | undefined;
  /** The hosts that it shows, in its own notation. Default: everything. */
  readonly egressHosts?: readonly string[];
}

/** A rendered kind's object that somebody else made. */
export interface ForeignObject {
  readonly namespace: string;
  readonly name: string;
  /** Labels of the pods that it selects; undefined when it is for the whole namespace. */
  readonly selector: Labels | undefined;
  /**
   * Only for a Sidecar for a whole namespace: fields that it has beside hosts and the mode of
   * `outboundTrafficPolicy`. Default: none.
   */
  readonly settings?: readonly string[];
  /** Only for a Sidecar for a whole namespace: the hosts that it shows. Default: everything. */
  readonly egressHosts?: readonly string[];
  /** Only for a Sidecar: the mode of its `outboundTrafficPolicy`. Default: that of the mesh. */
  readonly outbound?: "ALLOW_ANY" | "REGISTRY_ONLY";
}

/**
 * - `NotInstalled`: the API server does not know the kind
 * - `NotPermitted`: we may not list it
 */
export type UnreadReason = "NotInstalled" | "NotPermitted";

/** Where observed objects come from, and where what was learned and rendered goes. */
export interface Store {
  /** What exists now, including changes that were not told yet. */
  snapshot(): MeshSnapshot;
  /** The object of a kind as {@link snapshot} has it. It costs one look-up. */
  objectOf<O>(kind: ReadKind<O>, key: ObjectKey): O | undefined;
  /**
   * Calls `listener` with what changed, until the returned function is called. A change that {@link
   * snapshot} showed before the first call may be told anyway.
   */
  onChange(listener: (changes: MeshChanges) => void): () => void;
  /**
   * Objects that Fenceline rendered for the owner, as the store has them now, in the order in which
   * kinds are applied.
   */
  ownedBy(owner: ObjectRef): readonly RenderedObject[];
  /**
   * Objects of a kind of ours that are certainly gone, while rendered objects or a status of theirs
   * are left. It costs no more than there are of them, so it may be called often.
   */
  goneOwners(kind: Kind): readonly ObjectRef[];
  /**
   * Why the spec of an object of ours cannot be read; undefined when it can. The former version, if
   * there was one, is what {@link objectOf} returns, and stays in force.
   */
  faultOf(of: ObjectRef): SpecFault | undefined;
  /** Objects of a kind of ours whose spec cannot be read. */
  faulty(kind: Kind): readonly ObjectRef[];
  /**
   * Objects of others of a rendered kind in a namespace. If a Sidecar among them selects the same
   * pods as one of ours, Istio uses the older of the two.
   */
  foreign(kind: Kind, namespace: string): readonly ForeignObject[];
  /**
   * Text that changes whenever an object of a rendered kind in a namespace does, whoever's it is.
   * It costs a look at all objects of the kind. Undefined where nobody else reads what is rendered.
   */
  versionsIn?(kind: Kind, namespace: string): string;
  /**
   * Why the objects of a kind that is read or rendered, or {@link MESH_CONFIG}, cannot be read;
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
  /** Undefined where only people make fences. */
  readonly fences?: FenceAuthor;
  /** Undefined where only its author writes a Service. */
  readonly ports?: ServicePortsAuthor;
  /** Undefined where there is only one writer. */
  readonly sidecars?: SidecarWidener;
  /** Undefined where no two objects of a kind have one name. */
  readonly shadows?: ShadowTeller;
  /** Undefined where there are no pods. */
  readonly pods?: PodFinder;
  /** Undefined where nobody else deletes a status. */
  readonly states?: StateWatcher;
  /**
   * A second owner of rendered objects, which stands for the installation. With it they outlive the
   * object that they are rendered for, until they are removed in steps. Undefined where there is
   * none.
   */
  installation?(): OwnerReference | undefined;
  close(): Promise<void>;
}
