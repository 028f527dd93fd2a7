import { MANAGED_BY_LABEL, MANAGER, type RenderedObject } from "@fenceline/api";
import { isLabelledOurs, type LiveObject } from "./live-object.ts";

/** An object of somebody else that stands where we want to write. It is left alone. */
export interface Conflict {
  readonly kind: RenderedObject["kind"];
  readonly namespace: string;
  readonly name: string;
  readonly reason: "NotManagedByFenceline" | "OwnedByAnother";
  readonly message: string;
}

const FENCE_KIND = "ServiceFence";

/**
 * Whether we may write to, or delete, a live object: it carries our label, and the fence of its name owns it. Undefined when we may.
 *
 * A fence that was deleted and made again has a new uid; its old objects are still its own, and the garbage collector compares versions before
 * it deletes.
 */
export function conflictOf(live: LiveObject): Conflict | undefined {
  const { kind, namespace, name } = live;
  const what = `${kind} ${namespace}/${name}`;
  if (!isLabelledOurs(live)) {
    const message = `${what} exists and is not labelled ${MANAGED_BY_LABEL}=${MANAGER}; it is left as it is`;
    return { kind, namespace, name, reason: "NotManagedByFenceline", message };
  }
  const controller = live.owners.find((owner) => owner.controller === true);
  if (controller?.kind === FENCE_KIND && controller.name === name) return undefined;
  const owner = controller === undefined ? "nobody" : `${controller.kind} ${controller.name}`;
  const message = `${what} belongs to ${owner}, not to ServiceFence ${name}; it is left as it is`;
  return { kind, namespace, name, reason: "OwnedByAnother", message };
}
