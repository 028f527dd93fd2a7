import { type Fault, faultsOf } from "./field-path.ts";
import { isOwnKind, type ReadKind } from "./kinds/kind.ts";
import { safeParseObject } from "./null-fields.ts";

/** An object as its schema has it, or everything that is wrong with it. */
export type ObjectReading<O> =
  | { readonly object: O; readonly faults?: undefined }
  | { readonly object?: undefined; readonly faults: readonly [Fault, ...Fault[]] };

/**
 * Reads an object of a kind as kubectl and the API server would, from whichever version and
 * spelling it was written in. Each fault is at the field as its author named it. Never throws.
 */
export function readObject<O>(kind: ReadKind<O>, value: unknown): ObjectReading<O> {
  const { object = value, asWritten } = (isOwnKind(kind) ? kind.normalize?.(value) : undefined) ?? {};
  const result = safeParseObject(kind.schema, object);
  if (result.success) return { object: result.data };
  const faults = faultsOf(result.error, object).map(({ field, message }) => ({ field: asWritten?.(field) ?? field, message }));
  const [first = { field: [], message: "not valid" }, ...others] = faults;
  return { faults: [first, ...others] };
}
