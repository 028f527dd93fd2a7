import { isDeepStrictEqual } from "node:util";
import { type ObjectRef, RENDERED_KINDS, type RenderedObject, refOf } from "@fenceline/api";
import { type Change, writtenBy } from "@fenceline/store";

/**
 * What has to be written so that an owner's objects become the desired ones. Nothing is written for
 * an object that is as desired already.
 *
 * Writes follow the table of rendered kinds (EnvoyFilter, then Sidecar), so that hosts are hidden
 * only after the fallback catches calls to them. Deletions go the other way round, for the same
 * reason, and come last.
 */
export function plan(owner: ObjectRef, owned: readonly RenderedObject[], desired: readonly RenderedObject[]): Change[] {
  const writes = desired.flatMap((object): Change[] => {
    const current = owned.find((candidate) => isSame(candidate, object));
    if (current === undefined) return [{ action: "create", owner, object }];
    return isDeepStrictEqual(current, object) ? [] : [{ action: "update", owner, object, before: current }];
  });
  const surplus = owned.filter((object) => !desired.some((candidate) => isSame(candidate, object)));
  const deletions = surplus.map((object): Change => ({ action: "delete", owner, object: refOf(object.kind, object), before: object }));
  return [...inOrder(writes), ...inOrder(deletions).reverse()];
}

/**
 * Whether a change of a plan waits for one that something stands in the way of. A new Sidecar would
 * hide hosts while no EnvoyFilter catches the calls to them, and an EnvoyFilter that goes would
 * leave a Sidecar behind that hides them. Objects that exist are kept up to date anyway, and
 * objects of the same kind do not need each other.
 */
export function waitsFor(change: Change, obstructed: Change): boolean {
  const distance = rankOf(change) - rankOf(obstructed);
  if (change.action === "create") return obstructed.action !== "delete" && distance > 0;
  return change.action === "delete" && obstructed.action === "delete" && distance < 0;
}

function inOrder(changes: readonly Change[]): Change[] {
  return changes.toSorted((one, other) => rankOf(one) - rankOf(other));
}

/** Kinds that are in no table come last. */
function rankOf(change: Change): number {
  const rank = RENDERED_KINDS.findIndex(({ name }) => name === writtenBy(change).kind);
  return rank < 0 ? RENDERED_KINDS.length : rank;
}

function isSame(a: RenderedObject, b: RenderedObject): boolean {
  return a.kind === b.kind && a.metadata.namespace === b.metadata.namespace && a.metadata.name === b.metadata.name;
}
