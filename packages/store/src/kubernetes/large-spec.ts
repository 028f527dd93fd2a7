/**
 * Most entries of a list or map in a spec. One request to an API server has room for 150,000 of ten
 * bytes. Each is looked up in the mesh whenever the object is looked at: with 20,000 hosts the
 * event loop was blocked until the Lease was lost.
 */
export const MOST_SPEC_ENTRIES = 10_000;
/** How many levels below the spec are checked: `spec.labelSelector[0].selector`, and one more. */
const DEEPEST = 4;

/** A list or map that has too many entries. */
export interface LargePart {
  readonly field: readonly (string | number)[];
  readonly entries: number;
}

/**
 * The first list or map of a spec that is too large; undefined where none is. A list is counted
 * before its entries are checked, so a very large one costs little.
 */
export function largePart(value: unknown, field: LargePart["field"] = ["spec"]): LargePart | undefined {
  if (typeof value !== "object" || value === null || field.length > DEEPEST) return undefined;
  const names = Object.keys(value);
  if (names.length > MOST_SPEC_ENTRIES) return { field, entries: names.length };
  for (const name of names) {
    const found = largePart((value as Readonly<Record<string, unknown>>)[name], [...field, Array.isArray(value) ? Number(name) : name]);
    if (found !== undefined) return found;
  }
  return undefined;
}
