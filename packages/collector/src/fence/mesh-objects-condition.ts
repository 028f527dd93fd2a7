import {
  type Config,
  DESTINATION_RULE,
  type FenceCondition,
  type Judgement,
  type Kind,
  SERVICE_ENTRY,
  type ServiceEntryMode,
  type ServiceFence,
  VIRTUAL_SERVICE,
} from "@fenceline/api";
import type { Store, UnreadReason } from "@fenceline/store";

/** A kind of the mesh that fences are rendered from, and that cannot be read. */
export interface UnreadKind {
  readonly kind: Kind;
  readonly reason: UnreadReason;
  /** What that costs a fence. */
  readonly missed: string;
}

/** Kinds of others, beside Services, that decide which hosts a fence shows; and what is missed. */
const KINDS: readonly { readonly kind: Kind; readonly missed: string }[] = [
  { kind: SERVICE_ENTRY, missed: "hosts of ServiceEntries are hidden unless they are declared" },
  { kind: VIRTUAL_SERVICE, missed: "routes of VirtualServices in other namespaces are lost" },
  { kind: DESTINATION_RULE, missed: "no host of a ServiceEntry is learned" },
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
  return KINDS.flatMap(({ kind, missed }) => {
    const reason = store.unread(kind);
    return reason === undefined ? [] : [{ kind, reason, missed }];
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
  const names = told.map(({ kind }) => kind.name).join(" and ");
  const resources = told.map(({ kind }) => `${kind.plural}.networking.istio.io`).join(" and ");
  const message =
    first.reason === "NotPermitted"
      ? `the collector may not read ${names}: ${told.map(({ missed }) => missed).join(", ")}; grant it get, list and watch of ${resources}, as the chart does`
      : `the API server has no kind ${names}: install the CRDs of Istio, if there should be such objects`;
  return [{ type: "MeshObjectsSeen", status: "False", reason: first.reason, message }];
}
