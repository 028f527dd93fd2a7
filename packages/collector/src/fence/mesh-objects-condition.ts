import { type FenceCondition, type Judgement, type Kind, SERVICE_ENTRY, VIRTUAL_SERVICE } from "@fenceline/api";
import type { Store, UnreadReason } from "@fenceline/store";

/** A kind of the mesh that fences are rendered from, and that cannot be read. */
export interface UnreadKind {
  readonly kind: Kind;
  readonly reason: UnreadReason;
}

/** Kinds of others, beside Services, that decide which hosts a fence shows. */
const KINDS: readonly Kind[] = [SERVICE_ENTRY, VIRTUAL_SERVICE];

/** Those of them that cannot be read now. */
export function unreadKinds(store: Pick<Store, "unread">): readonly UnreadKind[] {
  return KINDS.flatMap((kind) => {
    const reason = store.unread(kind);
    return reason === undefined ? [] : [{ kind, reason }];
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
      ? `the collector may not read ${names}, so hosts that only these have are hidden, and their routes may be lost: grant it get, list and watch of ${resources}, as the chart does`
      : `the API server has no kind ${names}: install the CRDs of Istio, if there should be such objects`;
  return [{ type: "MeshObjectsSeen", status: "False", reason: first.reason, message }];
}
