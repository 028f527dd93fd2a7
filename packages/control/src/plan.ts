import { isDeepStrictEqual } from "node:util";
import type { ObjectRef, RenderedObject } from "@fenceline/api";
import type { Change } from "@fenceline/store";

/**
 * What has to be written so that an owner's objects become the desired ones. Nothing is written for
 * an object that is as desired already.
 *
 * Writes follow the order of `desired` (EnvoyFilter, then Sidecar), so that hosts are hidden only
 * after the fallback catches calls to them. Deletions go the other way round, for the same reason,
 * and come last.
 *
 * @param owned in the order in which kinds are applied
 */
export function plan(owner: ObjectRef, owned: readonly RenderedObject[], desired: readonly RenderedObject[]): Change[] {
  const writes = desired.flatMap((object): Change[] => {
    const current = owned.find((candidate) => isSame(candidate, object));
    if (current === undefined) return [{ action: "create", owner, object }];
    return isDeepStrictEqual(current, object) ? [] : [{ action: "update", owner, object, before: current }];
  });
  const surplus = owned.filter((object) => !desired.some((candidate) => isSame(candidate, object)));
  const deletions = surplus
    .toReversed()
    .map(({ kind, metadata: { namespace, name } }): Change => ({ action: "delete", owner, object: { kind, namespace, name } }));
  return [...writes, ...deletions];
}

function isSame(a: RenderedObject, b: RenderedObject): boolean {
  return a.kind === b.kind && a.metadata.namespace === b.metadata.namespace && a.metadata.name === b.metadata.name;
}
