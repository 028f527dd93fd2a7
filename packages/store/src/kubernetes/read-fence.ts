import { describeLeftOut, FencelineError, SERVICE_FENCE, type ServiceFence } from "@fenceline/api";
import type { WireObject } from "@fenceline/kubernetes";
import { keyText, readerOf } from "@fenceline/kubernetes";

/**
 * Most fences of which it is remembered what was told. Beyond it all are forgotten, and what is
 * still wrong is told once more.
 */
const REMEMBERED = 1_000;

/**
 * A parser of fences that keeps what can be read of a status, and tells once what cannot.
 *
 * An entry that has become unreadable keeps the value that it had: that it is gone would mean that
 * the leader had taken it out.
 */
export function fenceReader(
  onTrouble: (error: FencelineError) => void,
): (object: WireObject, previous: ServiceFence | undefined) => ServiceFence {
  const read = readerOf(SERVICE_FENCE);
  const told = new Map<string, string>();
  return (object, previous) => {
    const fence = read({ ...object, status: undefined });
    const { status, leftOut } = SERVICE_FENCE.readStatus(object.status, previous?.status);
    const key = keyText(object.metadata);
    const parts = describeLeftOut(leftOut);
    if (parts === "") told.delete(key);
    else if (told.get(key) !== parts) {
      if (told.size >= REMEMBERED) told.clear();
      told.set(key, parts);
      onTrouble(statusUnreadable(`ServiceFence ${key}`, parts));
    }
    return { ...fence, status };
  };
}

function statusUnreadable(object: string, parts: string): FencelineError {
  const message = `not readable, and left out or kept as it was before: ${parts}`;
  return new FencelineError("STATUS_PARTLY_UNREADABLE", { at: { object, path: "status" }, message, hint: "find who else writes it" });
}
