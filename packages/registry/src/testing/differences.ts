import type { ObjectChange } from "@fenceline/api";

/**
 * What changed from one list of objects to another. An object that did not change is the same
 * object.
 */
export function differences<O extends { readonly metadata: { readonly name: string } }>(
  before: readonly O[] = [],
  after: readonly O[] = [],
): readonly ObjectChange<O>[] {
  const [was, is] = [before, after].map((objects) => new Map(objects.map((object) => [keyOf(object), object])));
  const keys = new Set([...(was?.keys() ?? []), ...(is?.keys() ?? [])]);
  return [...keys].map((key) => ({ before: was?.get(key), after: is?.get(key) })).filter((change) => change.before !== change.after);
}

function keyOf({ metadata }: { readonly metadata: { readonly name: string; readonly namespace?: string } }): string {
  return `${metadata.namespace ?? ""}/${metadata.name}`;
}
