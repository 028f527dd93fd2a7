import type { z } from "zod";
import { expectation } from "./schema-words.ts";

/**
 * Checks a value against a schema as kubectl and the API server would: a field that is null, and
 * may not be, is taken for one that is not there. `spec:` with everything below it commented out is
 * such a null.
 *
 * A null that the schema takes keeps its meaning: `payments/*:` in a fence's `host` is a host
 * without a strategy.
 */
export function safeParseObject<T>(schema: Pick<z.ZodType<T>, "safeParse">, value: unknown): z.ZodSafeParseResult<T> {
  const result = schema.safeParse(value, { error: expectation });
  if (result.success) return result;
  // A wrong name in a map is a fault, whatever it is given.
  const others = result.error.issues.filter(({ code }) => code !== "invalid_key");
  const nulls = others.map(({ path }) => path).filter((path) => isNullField(value, path));
  if (nulls.length === 0) return result;
  // Each turn takes at least one null away.
  return safeParseObject(schema, withoutFields(value, nulls));
}

/** An element of a list is no field: without it the list would be another one. */
function isNullField(value: unknown, path: readonly PropertyKey[]): boolean {
  const last = path.at(-1);
  return (
    typeof last === "string" &&
    path.reduce<unknown>((inner, key) => (inner as Record<PropertyKey, unknown> | null | undefined)?.[key], value) === null
  );
}

function withoutFields(value: unknown, paths: readonly (readonly PropertyKey[])[]): unknown {
  const copy: unknown = structuredClone(value);
  for (const path of paths) {
    const parent = path.slice(0, -1).reduce<unknown>((inner, key) => (inner as Record<PropertyKey, unknown>)[key], copy);
    const last = path.at(-1);
    if (last !== undefined) delete (parent as Record<PropertyKey, unknown>)[last];
  }
  return copy;
}
