/**
 * Most entries of a list or map in a spec. One request to an API server has room for 150,000 of ten
 * bytes, and each is looked up in the mesh whenever the object is looked at: with 20,000 hosts the
 * event loop stood still until the Lease was lost.
 */
export const MOST_SPEC_ENTRIES = 10_000;
/**
 * Containers below the spec that are looked into: `spec.labelSelector[0].selector`, and one more.
 */
const DEEPEST = 4;

/** A list or map that is larger than one is read. */
export interface LargePart {
  readonly field: readonly (string | number)[];
  readonly entries: number;
}

/**
 * The first list or map of a spec that is too large; undefined where none is. Each is counted
 * before it is looked into, so that the largest costs the least.
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
