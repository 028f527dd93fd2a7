import { type Fault, faultsOf, formatPath } from "./field-path.ts";
import { LONGEST_MESSAGE } from "./kinds/condition.ts";
import { isOwnKind, type ReadKind } from "./kinds/kind.ts";
import { safeParseObject } from "./null-fields.ts";
import { shortened } from "./shortened.ts";

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
  const stopped = isOwnKind(kind) ? kind.inSpiteOfFaults?.(object) : undefined;
  const rest = stopped === undefined ? undefined : safeParseObject(kind.schema, stopped);
  if (rest?.success) return { object: { ...rest.data, fault: describeFaults(faults) } };
  const [first = { field: [], message: "not valid" }, ...others] = faults;
  return { faults: [first, ...others] };
}

/** Faults that a condition names. */
const NAMED = 5;

function describeFaults(faults: readonly Fault[]): string {
  const named = faults.slice(0, NAMED).map(({ field, message }) => `${formatPath(field)}: ${message}`);
  return shortened(named.join("; "), LONGEST_MESSAGE);
}
