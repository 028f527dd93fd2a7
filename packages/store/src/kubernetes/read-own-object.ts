import { describeLeftOut, FencelineError, formatPath, InvalidResource, type OwnKind, type OwnObject, ToldLineBudget } from "@fenceline/api";
import type { WireObject } from "@fenceline/kubernetes";
import { keyText, readerOf } from "@fenceline/kubernetes";
import { KeptObjects } from "./kept-object.ts";
import { largePart, MOST_SPEC_ENTRIES } from "./large-spec.ts";

/**
 * For at most this many objects it is remembered what was told. Beyond it all are forgotten, and
 * what is still wrong is told once more.
 */
const REMEMBERED = 1_000;
/**
 * Most hosts, conditions and similar entries that are read of a status. An API server takes 3 MiB
 * in one request, and a host as we write it has 150 bytes beside its two names, so no status of
 * ours has more. With entries of five bytes there could be 300,000: whoever may write a status
 * could block the event loop with each write. What is beyond the limit stays as it is, and is told.
 */
const MOST_ENTRIES = 20_000;

/**
 * A parser of objects of a kind of ours. It keeps what is readable of a status, and tells once what
 * is not.
 */
export function ownObjectReader<O extends OwnObject>(
  kind: OwnKind<O>,
  onTrouble: (error: FencelineError) => void,
  readStatus = ownStatusReader(kind, onTrouble),
): (object: WireObject, previous: O | undefined) => O {
  const parse = readerOf(kind);
  return (object, previous) => {
    const fault = largeSpec(kind, object);
    // The emergency stop counts, whatever is wrong with the rest of the spec.
    const stopped = fault && kind.inSpiteOfFaults?.(object);
    if (fault !== undefined && stopped === undefined) throw fault;
    const parsed = parse({ ...(stopped ?? object), status: undefined } as unknown as WireObject);
    const status = readStatus(object, previous);
    return fault === undefined ? { ...parsed, status } : { ...parsed, fault: `${fault.at.path}: ${fault.detail}`, status };
  };
}

/**
 * A reader of the statuses of a kind of ours. It reads a status whether or not the object's spec is
 * readable.
 *
 * An entry that became unreadable keeps its former value. Without it, the leader would seem to have
 * removed the entry.
 */
export function ownStatusReader<O extends OwnObject>(
  kind: OwnKind<O>,
  onTrouble: (error: FencelineError) => void,
  kept = new KeptObjects(),
): (object: WireObject, previous: O | undefined) => object {
  const told = new Map<string, string>();
  /** By namespace: a status may become unreadable, and readable again, with every write. */
  const lines = new ToldLineBudget((namespace, untold) => onTrouble(othersUnreadable(kind.name, namespace, untold)));
  return (object, previous) => {
    const { status, leftOut, unnamed } = kind.readStatus(kept.withLists(object.status), previous?.status, MOST_ENTRIES);
    const key = keyText(object.metadata);
    const parts = describeLeftOut(leftOut, unnamed);
    if (parts === "") told.delete(key);
    else if (told.get(key) !== parts) {
      if (told.size >= REMEMBERED) told.clear();
      told.set(key, parts);
      if (lines.take(object.metadata.namespace ?? ""))
        onTrouble(statusUnreadable(`${kind.name} ${key}`, `left out or kept as it was before: ${parts}`));
    }
    return status as object;
  };
}

/** The fault of a spec with a list or map that has too many entries. */
function largeSpec({ name, errorPrefix }: OwnKind<OwnObject>, { metadata, spec }: WireObject): InvalidResource | undefined {
  const large = largePart(spec);
  if (large === undefined) return undefined;
  const at = { object: `${name} ${keyText(metadata)}`, path: formatPath(large.field) };
  return new InvalidResource(`${errorPrefix}_INVALID`, {
    at,
    message: `too many entries: ${large.entries}, and no more than ${MOST_SPEC_ENTRIES.toLocaleString("en")} are read`,
  });
}

function statusUnreadable(object: string, outcome: string): FencelineError {
  const message = `not readable, and ${outcome}`;
  return new FencelineError("STATUS_PARTLY_UNREADABLE", { at: { object, path: "status" }, message, hint: "find who else writes it" });
}

/** @param untold how many objects had no line. @param namespace undefined for several together */
function othersUnreadable(kind: string, namespace: string | undefined, untold: number): FencelineError {
  return statusUnreadable(`${kind} ${namespace ?? "*"}/*`, `not told one by one: ${untold} more`);
}
