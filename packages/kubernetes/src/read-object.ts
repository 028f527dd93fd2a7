import { faultsOf, formatPath, InvalidResource, type ReadKind, safeParseObject } from "@fenceline/api";
import { keyText } from "./api/resource.ts";
import type { WireObject } from "./api/wire-object.ts";

/**
 * Most faults beside the first that an error tells: it becomes a condition, and a line of the log.
 */
const MOST_OTHERS = 4;

/**
 * A parser of a kind's objects. It keeps the fields of the schema only, and throws
 * {@link InvalidResource} naming every fault, or the first ones of many.
 */
export function readerOf<O>(kind: ReadKind<O>): (object: WireObject) => O {
  return (object) => {
    const result = safeParseObject(kind.schema, object);
    if (result.success) return result.data;
    const [first, ...others] = faultsOf(result.error, object);
    throw new InvalidResource(`${kind.errorPrefix}_INVALID`, {
      at: { object: `${object.kind} ${keyText(object.metadata)}`, path: formatPath(first?.field ?? []) },
      message: [
        first?.message ?? "not valid",
        ...others.slice(0, MOST_OTHERS).map(({ field, message }) => `${formatPath(field)}: ${message}`),
      ].join("; "),
    });
  };
}
