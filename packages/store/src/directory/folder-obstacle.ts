import type { Obstacle } from "../change.ts";

/** Passes by itself, or is a fault of ours. */
const TRANSIENT: ReadonlySet<string> = new Set(["EMFILE", "ENFILE", "EAGAIN", "EBUSY", "EINTR"]);
const FORBIDDEN: ReadonlySet<string> = new Set(["EACCES", "EPERM", "EROFS"]);

/**
 * What stands in the way of a file, when its write threw; undefined when trying again may help by
 * itself.
 */
export function folderObstacle(error: unknown, place: Pick<Obstacle, "kind" | "namespace" | "name">): Obstacle | undefined {
  const { code, message = String(error) } = error as NodeJS.ErrnoException;
  if (code === undefined || TRANSIENT.has(code)) return undefined;
  if (FORBIDDEN.has(code)) return { ...place, reason: "WriteForbidden", message: `${message}: let this user write into the folder` };
  if (code === "ELOOP") return { ...place, reason: "WriteFailed", message: `${message}: put a folder in its place` };
  return { ...place, reason: "WriteFailed", message: `${message}: see that the folder is there and its disk is not full` };
}
