import { formatPath, InvalidResource, type ReadKind, readObject } from "@fenceline/api";
import { keyText } from "./client/resource.ts";
import type { WireObject } from "./client/wire-object.ts";

/**
 * Most faults beside the first that an error names: it becomes a condition, and a line of the log.
 */
const MOST_OTHERS = 4;

/**
 * A parser of a kind's objects. It keeps only the fields of the schema, and reads what counts in
 * spite of faults. It throws {@link InvalidResource} with all faults, or the first ones of many.
 */
export function readerOf<O>(kind: ReadKind<O>): (object: WireObject) => O {
  return (wire) => {
    const reading = readObject(kind, wire, true);
    if (reading.faults === undefined) return reading.object;
    const [first, ...others] = reading.faults;
    throw new InvalidResource(`${kind.errorPrefix}_INVALID`, {
      at: { object: `${wire.kind} ${keyText(wire.metadata)}`, path: formatPath(first.field) },
      message: [first.message, ...others.slice(0, MOST_OTHERS).map(({ field, message }) => `${formatPath(field)}: ${message}`)].join("; "),
    });
  };
}
