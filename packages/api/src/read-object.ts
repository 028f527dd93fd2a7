import { type Fault, faultsOf, formatPath } from "./field-path.ts";
import { shortened } from "./foreign-text.ts";
import { LONGEST_MESSAGE } from "./kinds/condition.ts";
import { isOwnKind, type OwnKind, type ReadKind } from "./kinds/kind.ts";
import { safeParseObject } from "./null-fields.ts";
import { unusableNames } from "./unusable-names.ts";

/** An object as its schema has it, or everything that is wrong with it. */
export type ObjectReading<O> =
  | { readonly object: O; readonly faults?: undefined; readonly mistakes?: readonly Fault[] }
  | { readonly object?: undefined; readonly faults: readonly [Fault, ...Fault[]]; readonly mistakes?: undefined };

/**
 * Reads an object of a kind as kubectl and the API server would, from whichever version and
 * spelling it was written in. Each fault is at the field as its author named it. Never throws.
 *
 * @param salvages whether the rest of an object, or that it is switched off, counts where its kind
 * says so; what is wrong with the rest is then in `mistakes`, too. Default false: who asks wants to
 * know whether it is valid
 */
export function readObject<O>(kind: ReadKind<O>, value: unknown, salvages = false): ObjectReading<O> {
  const { object = value, asWritten } = (isOwnKind(kind) ? kind.normalize?.(value) : undefined) ?? {};
  const result = safeParseObject(kind.schema, object);
  const unusable = isOwnKind(kind) ? unusableNames(value) : [];
  if (result.success && unusable.length === 0) return { object: result.data };
  const others = result.success ? [] : faultsOf(result.error, object);
  const faults = [...unusable, ...others.map((fault) => ({ ...fault, field: asWritten?.(fault.field) ?? fault.field }))];
  const stopped = salvages && isOwnKind(kind) ? kind.inSpiteOfFaults?.(object) : undefined;
  const rest = stopped === undefined ? undefined : safeParseObject(kind.schema, stopped);
  if (rest?.success) return { object: { ...rest.data, fault: describeFaults(faults) } };
  const salvaged = salvages && isOwnKind(kind) ? salvage(kind, object, [...unusable, ...others]) : undefined;
  if (salvaged !== undefined) return { object: { ...salvaged, fault: describeFaults(faults), faulty: fieldsOf(faults) }, mistakes: faults };
  const [first = { field: [], message: "not valid" }, ...more] = faults;
  return { faults: [first, ...more] };
}

/** Faults may hide others: of a list that is no list nobody knows the entries. */
const TURNS = 5;

/** What of an object counts without the parts that have faults; undefined where nothing does. */
function salvage<O>(kind: OwnKind<O>, value: unknown, known: readonly Fault[]): O | undefined {
  let object: unknown = value;
  let faults = known;
  for (let turn = 0; turn < TURNS; turn += 1) {
    object = kind.withoutFaults?.(
      object,
      faults.map(({ field }) => field),
    );
    if (object === undefined) return undefined;
    const result = safeParseObject(kind.schema, object);
    if (result.success) return result.data;
    faults = faultsOf(result.error, object);
  }
  return undefined;
}

/** The fields of the spec that have faults, each once. */
function fieldsOf(faults: readonly Fault[]): readonly string[] {
  return [...new Set(faults.flatMap(({ field: [, field] }) => (field === undefined ? [] : String(field))))];
}

/** Faults that a condition names. */
const NAMED = 5;

function describeFaults(faults: readonly Fault[]): string {
  const named = faults.slice(0, NAMED).map(({ field, message }) => `${formatPath(field)}: ${message}`);
  return shortened(named.join("; "), LONGEST_MESSAGE);
}
