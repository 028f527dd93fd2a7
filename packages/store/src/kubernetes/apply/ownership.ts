import { MANAGED_BY_LABEL, MANAGER, type ObjectRef, OWN_KINDS, readOwnerText } from "@fenceline/api";
import { type Conflict, ownedByAnother } from "../../conflict.ts";
import { isOurs, type LiveObject } from "./live-object.ts";

/** Names of the kinds that own what is rendered. */
export const OWN_NAMES: ReadonlySet<string> = new Set(OWN_KINDS.map(({ name }) => name));

/**
 * The object of ours for which a live object was rendered: the live object {@link isOurs}, and its
 * controller is of a kind of ours. Where it has no controller any more, the annotation names the
 * owner.
 *
 * @param own names of these kinds
 */
export function ownerOf(live: LiveObject, own: ReadonlySet<string> = OWN_NAMES): ObjectRef | undefined {
  const owner = isOurs(live) ? namedOwner(live) : undefined;
  return owner !== undefined && own.has(owner.kind) ? owner : undefined;
}

/**
 * Undefined when we may write to, or delete, a live object for an owner: it {@link isOurs}, and the
 * owner is its controller, or was the last one.
 *
 * An owner that was deleted and made again has a new uid. Its old objects are still its own: the
 * garbage collector compares versions before it deletes.
 */
export function conflictOf(live: LiveObject, owner: ObjectRef): Conflict | undefined {
  const { kind, namespace, name } = live;
  const what = `${kind} ${namespace}/${name}`;
  if (!isOurs(live)) {
    const message = `${what} exists and is not labelled ${MANAGED_BY_LABEL}=${MANAGER}; it is left as it is`;
    return { kind, namespace, name, reason: "NotManagedByFenceline", message };
  }
  const named = namedOwner(live);
  if (named?.kind === owner.kind && named.name === owner.name) return undefined;
  return ownedByAnother({ kind, namespace, name }, named, owner);
}

/** Whether a live object has no owner reference left. */
export function isOrphaned({ owners }: LiveObject): boolean {
  return !owners.some(({ controller }) => controller === true);
}

function namedOwner({ owners, namespace, renderedFor }: LiveObject): ObjectRef | undefined {
  const controller = owners.find((owner) => owner.controller === true);
  return controller === undefined ? readOwnerText(renderedFor, namespace) : { kind: controller.kind, namespace, name: controller.name };
}
