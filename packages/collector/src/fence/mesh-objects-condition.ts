import {
  AUTHORIZATION_POLICY,
  type Config,
  DESTINATION_RULE,
  ENDPOINT_SLICE,
  type FenceCondition,
  FOREIGN_ENVOY_FILTER,
  GATEWAY_ROUTE_KINDS,
  groupOf,
  type Judgement,
  type Kind,
  MESH_CONFIG,
  NAMESPACE,
  REQUEST_AUTHENTICATION,
  SERVICE,
  SERVICE_ENTRY,
  type ServiceEntryMode,
  type ServiceFence,
  SIDECAR,
  TRAFFIC_EXTENSION,
  VIRTUAL_SERVICE,
  WASM_PLUGIN,
} from "@fenceline/api";
import type { Store, UnreadReason } from "@fenceline/store";

/** A kind of the mesh that fences are rendered from, and that cannot be read. */
export interface UnreadKind {
  readonly kind: Kind;
  readonly reason: UnreadReason;
  /** The effect on a fence. */
  readonly missed: string;
}

interface MissedKind extends Omit<UnreadKind, "reason"> {
  /**
   * Whether it is normal that the kind does not exist: most clusters do not have it, or the next
   * write reports it. Default: no.
   */
  readonly isRare?: boolean;
}

/** Kinds on which a fence and its conditions depend, and what is missed without them. */
const KINDS: readonly MissedKind[] = [
  { kind: SIDECAR, missed: "whether Sidecars of ours, or of others, are there is not known, so none is added", isRare: true },
  { kind: NAMESPACE, missed: "namespaces are as they were when it could", isRare: true },
  { kind: SERVICE, missed: "Services are as they were when it could", isRare: true },
  { kind: ENDPOINT_SLICE, missed: "whether the fallback is ready is not known", isRare: true },
  { kind: SERVICE_ENTRY, missed: "hosts of ServiceEntries are hidden unless they are declared" },
  { kind: VIRTUAL_SERVICE, missed: "routes of VirtualServices in other namespaces are lost" },
  { kind: DESTINATION_RULE, missed: "no host of a ServiceEntry is learned" },
  ...GATEWAY_ROUTE_KINDS.map((kind) => ({ kind, missed: `routes of ${kind.name}s in other namespaces are lost`, isRare: true })),
  { kind: FOREIGN_ENVOY_FILTER, missed: "hosts that EnvoyFilters of others have proxies call may be hidden" },
  { kind: REQUEST_AUTHENTICATION, missed: "hosts of jwksUri may be hidden" },
  { kind: WASM_PLUGIN, missed: "hosts that Wasm plugins call may be hidden" },
  { kind: TRAFFIC_EXTENSION, missed: "hosts that extensions call may be hidden", isRare: true },
  {
    kind: AUTHORIZATION_POLICY,
    missed: "hosts whose AuthorizationPolicies name their callers are not preloaded, and those that policies close are learned",
  },
  { kind: MESH_CONFIG, missed: "hosts of its extensionProviders may be hidden, so that pods do not start" },
];

/**
 * How hosts of ServiceEntries are treated in a fence. Where it is not known for which of them Envoy
 * begins TLS, none may be hidden.
 */
export function entryMode({ spec }: Pick<ServiceFence, "spec">, config: Config, store: Pick<Store, "unread">): ServiceEntryMode {
  return store.unread(DESTINATION_RULE) === undefined ? (spec.serviceEntries ?? config.serviceEntries) : "Visible";
}

/** Those of {@link KINDS} that cannot be read now. */
export function unreadKinds(store: Pick<Store, "unread">): readonly UnreadKind[] {
  return KINDS.flatMap(({ kind, missed, isRare = false }) => {
    const reason = store.unread(kind);
    return reason === undefined || (isRare && reason === "NotInstalled") ? [] : [{ kind, reason, missed }];
  });
}

/** Whether objects of a kind may not be read: what was read before may have changed. */
export function isUnseen({ name }: Kind, unread: readonly UnreadKind[] = []): boolean {
  return unread.some(({ kind, reason }) => kind.name === name && reason === "NotPermitted");
}

/** What was read before a right was lost may have changed. Undefined while all may be read. */
export function unseen(
  unread: readonly UnreadKind[] | undefined,
  ...kinds: readonly Kind[]
): Pick<Judgement<FenceCondition["type"]>, "status" | "reason" | "message"> | undefined {
  const names = kinds.filter((kind) => isUnseen(kind, unread)).map(({ name }) => `${name}s`);
  if (names.length === 0) return undefined;
  return { status: "Unknown", reason: "NotPermitted", message: `the collector may not read ${names.join(" and ")}, see MeshObjectsSeen` };
}

/** The same, for kinds without the condition `MeshObjectsSeen`. */
export function forbidden(unread: readonly UnreadKind[], ...kinds: readonly Kind[]): ReturnType<typeof unseen> {
  const judged = unseen(unread, ...kinds);
  if (judged === undefined) return undefined;
  const lost = kinds.filter((kind) => isUnseen(kind, unread));
  const names = lost.map(({ name }) => `${name}s`).join(" and ");
  const resources = lost.map(resourceOf).join(" and ");
  return { ...judged, message: `the collector may not read ${names}: grant it get, list and watch of ${resources}, as the chart does` };
}

/**
 * Only while some kind cannot be read: the fence uses what it knows, and calls that need an object
 * of that kind may fail. A kind that may not be read is named before one that does not exist, since
 * objects of it are missed.
 */
export function meshObjectsCondition(unread: readonly UnreadKind[] = []): readonly Judgement<FenceCondition["type"]>[] {
  const forbidden = unread.filter(({ reason }) => reason === "NotPermitted");
  const told = forbidden.length > 0 ? forbidden : unread;
  const [first] = told;
  if (first === undefined) return [];
  const names = told.map(({ kind }) => (kind === MESH_CONFIG ? "Istio's MeshConfig" : kind.name)).join(" and ");
  const resources = told.map(({ kind }) => resourceOf(kind)).join(" and ");
  const message =
    first.reason === "NotPermitted"
      ? `the collector may not read ${names}: ${told.map(({ missed }) => missed).join(", ")}; grant it get, list and watch of ${resources}, as the chart does`
      : `the API server has no kind ${names}: install the CRDs of Istio, if there should be such objects`;
  return [{ type: "MeshObjectsSeen", status: "False", reason: first.reason, message }];
}

/** In the notation of roles: `serviceentries.networking.istio.io`. */
function resourceOf({ plural, apiVersions: [version = ""] }: Kind): string {
  return [plural, groupOf(version)].filter(Boolean).join(".");
}
