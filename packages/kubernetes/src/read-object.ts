import { formatPath, InvalidResource, type ReadKind, readObject } from "@fenceline/api";
import { keyText } from "./client/resource.ts";
import type { WireObject } from "./client/wire-object.ts";

/**
 * Most faults beside the first that an error tells: it becomes a condition, and a line of the log.
 */
const MOST_OTHERS = 4;

/**
 * A parser of a kind's objects. What of one counts in spite of faults is read, and it says what is
 * wrong. It keeps the fields of the schema only, and throws
 * {@link InvalidResource} naming every fault, or the first ones of many.
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
