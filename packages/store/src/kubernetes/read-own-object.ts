import { describeLeftOut, FencelineError, type OwnKind, type OwnObject } from "@fenceline/api";
import type { WireObject } from "@fenceline/kubernetes";
import { keyText, readerOf } from "@fenceline/kubernetes";

/**
 * Most objects of which it is remembered what was told. Beyond it all are forgotten, and what is
 * still wrong is told once more.
 */
const REMEMBERED = 1_000;

/**
 * A parser of objects of a kind of ours that keeps what can be read of a status, and tells once what cannot.
 *
 * An entry that has become unreadable keeps the value that it had: that it is gone would mean that
 * the leader had taken it out.
 */
export function ownObjectReader<O extends OwnObject>(
  kind: OwnKind<O>,
  onTrouble: (error: FencelineError) => void,
): (object: WireObject, previous: O | undefined) => O {
  const parse = readerOf(kind);
  const told = new Map<string, string>();
  return (object, previous) => {
    const read = parse({ ...object, status: undefined });
    const { status, leftOut } = kind.readStatus(object.status, previous?.status);
    const key = keyText(object.metadata);
    const parts = describeLeftOut(leftOut);
    if (parts === "") told.delete(key);
    else if (told.get(key) !== parts) {
      if (told.size >= REMEMBERED) told.clear();
      told.set(key, parts);
      onTrouble(statusUnreadable(`${kind.name} ${key}`, parts));
    }
    return { ...read, status };
  };
}

function statusUnreadable(object: string, parts: string): FencelineError {
  const message = `not readable, and left out or kept as it was before: ${parts}`;
  return new FencelineError("STATUS_PARTLY_UNREADABLE", { at: { object, path: "status" }, message, hint: "find who else writes it" });
}
