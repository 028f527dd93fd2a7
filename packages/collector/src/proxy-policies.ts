/** Objects of all kinds by which others make proxies call hosts. */
import { type ObjectChange, type ObjectsByKind, PROXY_POLICY_KINDS, type ProxyPolicy } from "@fenceline/api";
import type { MeshChanges } from "@fenceline/store";

export function policiesIn(snapshot: ObjectsByKind): readonly ProxyPolicy[] {
  return PROXY_POLICY_KINDS.flatMap((kind) => snapshot.of<ProxyPolicy>(kind));
}

export function policyChanges(changes: Pick<MeshChanges, "of">): readonly ObjectChange<ProxyPolicy>[] {
  return PROXY_POLICY_KINDS.flatMap((kind) => changes.of<ProxyPolicy>(kind));
}
