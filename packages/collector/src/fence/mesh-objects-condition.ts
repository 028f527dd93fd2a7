import {
  type Config,
  DESTINATION_RULE,
  type FenceCondition,
  FOREIGN_ENVOY_FILTER,
  GATEWAY_ROUTE_KINDS,
  groupOf,
  type Judgement,
  type Kind,
  MESH_CONFIG,
  REQUEST_AUTHENTICATION,
  SERVICE_ENTRY,
  type ServiceEntryMode,
  type ServiceFence,
  TRAFFIC_EXTENSION,
  VIRTUAL_SERVICE,
  WASM_PLUGIN,
} from "@fenceline/api";
import type { Store, UnreadReason } from "@fenceline/store";

/** A kind of the mesh that fences are rendered from, and that cannot be read. */
export interface UnreadKind {
  readonly kind: Kind;
  readonly reason: UnreadReason;
  /** What that costs a fence. */
  readonly missed: string;
}

interface MissedKind extends Omit<UnreadKind, "reason"> {
  /** Whether clusters do without it as a rule: then nothing is missed. Default: no. */
  readonly isRare?: boolean;
}

/** Kinds of others, beside Services, that decide which hosts a fence shows; and what is missed. */
const KINDS: readonly MissedKind[] = [
  { kind: SERVICE_ENTRY, missed: "hosts of ServiceEntries are hidden unless they are declared" },
  { kind: VIRTUAL_SERVICE, missed: "routes of VirtualServices in other namespaces are lost" },
  { kind: DESTINATION_RULE, missed: "no host of a ServiceEntry is learned" },
  ...GATEWAY_ROUTE_KINDS.map((kind) => ({ kind, missed: `routes of ${kind.name}s in other namespaces are lost`, isRare: true })),
  { kind: FOREIGN_ENVOY_FILTER, missed: "hosts that EnvoyFilters of others have proxies call may be hidden" },
  { kind: REQUEST_AUTHENTICATION, missed: "hosts of jwksUri may be hidden" },
  { kind: WASM_PLUGIN, missed: "hosts that Wasm plugins call may be hidden" },
  { kind: TRAFFIC_EXTENSION, missed: "hosts that extensions call may be hidden", isRare: true },
  { kind: MESH_CONFIG, missed: "hosts of its extensionProviders may be hidden, so that pods do not start" },
];

/**
 * What becomes of hosts of ServiceEntries in a fence. Where nobody knows for which of them Envoy
 * begins TLS, none may be hidden.
 */
export function entryMode({ spec }: Pick<ServiceFence, "spec">, config: Config, store: Pick<Store, "unread">): ServiceEntryMode {
  return store.unread(DESTINATION_RULE) === undefined ? (spec.serviceEntries ?? config.serviceEntries) : "Visible";
}

/** Those of them that cannot be read now. */
export function unreadKinds(store: Pick<Store, "unread">): readonly UnreadKind[] {
  return KINDS.flatMap(({ kind, missed, isRare = false }) => {
    const reason = store.unread(kind);
    return reason === undefined || (isRare && reason === "NotInstalled") ? [] : [{ kind, reason, missed }];
  });
}

/**
 * Only while some kind cannot be read: the fence works by what it knows, and calls that need an
 * object of that kind may fail. What may not be read is told before what does not exist, since
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

/** As roles name it: `serviceentries.networking.istio.io`. */
function resourceOf({ plural, apiVersions: [version = ""] }: Kind): string {
  return [plural, groupOf(version)].filter(Boolean).join(".");
}
