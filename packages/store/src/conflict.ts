import { type ObjectRef, type OwnKind, refText, wordFor } from "@fenceline/api";
import type { Obstacle } from "./change.ts";

/** An object of somebody else with the name of one that we want to write. It is left alone. */
export interface Conflict {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly reason: "NotManagedByFenceline" | "OwnedByAnother";
  readonly message: string;
}

/** The conflict over an object of ours that belongs to another owner. */
export function ownedByAnother(object: ObjectRef, other: Pick<ObjectRef, "kind" | "name"> | undefined, owner: ObjectRef): Conflict {
  const { kind, namespace, name } = object;
  const whose = other === undefined ? "nobody" : `${other.kind} ${other.name}`;
  const message = `${kind} ${namespace}/${name} belongs to ${whose}, not to ${owner.kind} ${owner.name}; it is left as it is`;
  return { kind, namespace, name, reason: "OwnedByAnother", message };
}

/** The same where it may be somebody's; undefined where it is nobody's, or its owner's. */
export function conflictWith(object: ObjectRef, holder: ObjectRef | undefined, owner: ObjectRef): Conflict | undefined {
  return holder === undefined || refText(holder) === refText(owner) ? undefined : ownedByAnother(object, holder, owner);
}

/**
 * A conflict, as an obstacle of its owner.
 *
 * @param kinds of ours: one of them is the owner's
 */
export function conflictObstacle({ kind, namespace, name, message }: Conflict, owner: ObjectRef, kinds: readonly OwnKind[]): Obstacle {
  const ownKind = kinds.find((candidate) => candidate.name === owner.kind);
  const word = ownKind === undefined ? owner.kind : wordFor(ownKind);
  return { reason: "Conflict", kind, namespace, name, message: `${message}: delete or rename it, or switch the ${word} off` };
}
