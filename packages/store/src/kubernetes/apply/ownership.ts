import { MANAGED_BY_LABEL, MANAGER, type ObjectRef, OWN_KINDS } from "@fenceline/api";
import { type Conflict, ownedByAnother } from "../../conflict.ts";
import { isLabelledOurs, type LiveObject } from "./live-object.ts";

/** Names of the kinds that own what is rendered. */
export const OWN_NAMES: ReadonlySet<string> = new Set(OWN_KINDS.map(({ name }) => name));

/**
 * The object of ours that a live object was rendered for: it carries our label, and its controller
 * is of a kind of ours.
 * @param own names of these kinds
 */
export function ownerOf(live: LiveObject, own: ReadonlySet<string> = OWN_NAMES): ObjectRef | undefined {
  const controller = live.owners.find((owner) => owner.controller === true);
  if (controller === undefined || !isLabelledOurs(live) || !own.has(controller.kind)) return undefined;
  return { kind: controller.kind, namespace: live.namespace, name: controller.name };
}

/**
 * Whether we may write to, or delete, a live object for an owner: it carries our label, and the
 * owner is its controller. Undefined when we may.
 *
 * An owner that was deleted and made again has a new uid; its old objects are still its own, and
 * the garbage collector compares versions before it deletes.
 */
export function conflictOf(live: LiveObject, owner: ObjectRef): Conflict | undefined {
  const { kind, namespace, name } = live;
  const what = `${kind} ${namespace}/${name}`;
  if (!isLabelledOurs(live)) {
    const message = `${what} exists and is not labelled ${MANAGED_BY_LABEL}=${MANAGER}; it is left as it is`;
    return { kind, namespace, name, reason: "NotManagedByFenceline", message };
  }
  const controller = live.owners.find((candidate) => candidate.controller === true);
  if (controller?.kind === owner.kind && controller.name === owner.name) return undefined;
  return ownedByAnother({ kind, namespace, name }, controller, owner);
}
