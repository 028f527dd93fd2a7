import { type AnyObject, compareText, formatPath, isJsonObject, printable } from "@fenceline/api";

/** An object to compare: only its spec counts. */
export type Compared = AnyObject & { readonly spec: object };

/** A difference between two exports. */
export interface Difference {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly change: "added" | "removed" | "changed";
  /** Which values changed in an object, by path. */
  readonly fields: readonly FieldDifference[];
}

/** A value that was added, removed or changed. */
export interface FieldDifference {
  readonly path: string;
  /** Undefined where it was added. */
  readonly before?: unknown;
  /** Undefined where it was removed. */
  readonly after?: unknown;
}

/**
 * The differences between two lists of objects, by kind, namespace and name. The order of fields,
 * and of lists of texts, does not count: hosts, principals and namespaces are sets.
 */
export function differences(before: readonly Compared[], after: readonly Compared[]): readonly Difference[] {
  const [old, now] = [byIdentity(before), byIdentity(after)];
  return [...new Set([...old.keys(), ...now.keys()])].sort(compareText).flatMap((id): Difference[] => {
    const [was, is] = [old.get(id), now.get(id)];
    const { kind, metadata } = (is ?? was) as Compared;
    const place = { kind, namespace: metadata.namespace ?? "", name: metadata.name };
    if (was === undefined) return [{ ...place, change: "added", fields: [] }];
    if (is === undefined) return [{ ...place, change: "removed", fields: [] }];
    const fields = fieldDifferences(was.spec, is.spec);
    return fields.length === 0 ? [] : [{ ...place, change: "changed", fields }];
  });
}

/** A line for each difference, marked as in `diff`. */
export function differencesText(found: readonly Difference[]): string {
  const lines = found.flatMap(({ change, kind, namespace, name, fields }) => [
    `${MARKS[change]} ${kind} ${namespace}/${name}`,
    ...fields.map(({ path, before, after }) => {
      if (before === undefined) return `    + ${path}: ${JSON.stringify(after)}`;
      if (after === undefined) return `    - ${path}: ${JSON.stringify(before)}`;
      return `    ~ ${path}: ${JSON.stringify(before)} -> ${JSON.stringify(after)}`;
    }),
  ]);
  return lines.map((line) => `${printable(line)}\n`).join("");
}

const MARKS = { added: "+", removed: "-", changed: "~" } as const;

function byIdentity(objects: readonly Compared[]): ReadonlyMap<string, Compared> {
  return new Map(objects.map((object) => [JSON.stringify([object.kind, object.metadata.namespace ?? "", object.metadata.name]), object]));
}

interface Leaf {
  readonly path: string;
  readonly value: unknown;
}

function fieldDifferences(before: object, after: object): readonly FieldDifference[] {
  const [old, now] = [leavesOf(before), leavesOf(after)];
  return [...new Set([...old.keys(), ...now.keys()])].sort(compareText).flatMap((id): FieldDifference[] => {
    const [was, is] = [old.get(id), now.get(id)];
    if (JSON.stringify(was?.value) === JSON.stringify(is?.value)) return [];
    const path = (is ?? was)?.path ?? "";
    return [{ path, ...(was && { before: was.value }), ...(is && { after: is.value }) }];
  });
}

function leavesOf(spec: object): ReadonlyMap<string, Leaf> {
  return new Map(leaves(spec, ["spec"]));
}

/** Every value without values in it, with its id: its path, or in a set the value itself. */
function* leaves(value: unknown, path: readonly PropertyKey[]): Generator<readonly [id: string, Leaf]> {
  const parts = partsOf(value);
  if (parts.length === 0) yield [JSON.stringify(path), { path: formatPath(path), value }];
  for (const [key, part] of parts) {
    if (Array.isArray(value) && (typeof part !== "object" || part === null))
      yield [JSON.stringify([...path, null, part]), { path: formatPath(path), value: part }];
    else yield* leaves(part, [...path, key]);
  }
}

function partsOf(value: unknown): readonly (readonly [key: PropertyKey, part: unknown])[] {
  if (Array.isArray(value)) return [...value.entries()];
  return isJsonObject(value) ? Object.entries(value) : [];
}
