import type { z } from "zod";

export const LIST_TYPE = "x-kubernetes-list-type";
export const LIST_KEYS = "x-kubernetes-list-map-keys";

/**
 * A list of plain values of which none may be there twice; server-side apply merges those of
 * several writers. The API server refuses a duplicate, and so does the parser.
 *
 * @see https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy
 */
export function asSet<List extends z.ZodArray<z.ZodType<string | number | boolean>>>(list: List) {
  return list.superRefine((items: unknown[], context) => tellOf(duplicates(items, JSON.stringify), context)).meta({ [LIST_TYPE]: "set" });
}

/**
 * A list of objects of which no two agree in these fields, which each must have; server-side apply
 * merges those of several writers one by one.
 */
export function keyedBy<List extends z.ZodArray<z.ZodType<object>>>(list: List, ...keys: readonly string[]) {
  const keyOf = (item: unknown) => JSON.stringify(keys.map((key) => (item as Readonly<Record<string, unknown>>)[key]));
  return list
    .superRefine((items: unknown[], context) => tellOf(duplicates(items, keyOf), context))
    .meta({ [LIST_TYPE]: "map", [LIST_KEYS]: keys });
}

/** Indexes of what was there before in the same list. */
function duplicates(items: readonly unknown[], keyOf: (item: unknown) => string): readonly number[] {
  const seen = new Set<string>();
  return items.flatMap((item, index) => (seen.size === seen.add(keyOf(item)).size ? [index] : []));
}

function tellOf(indexes: readonly number[], context: z.core.$RefinementCtx): void {
  for (const index of indexes) context.addIssue({ code: "custom", path: [index], message: "expected each once" });
}
