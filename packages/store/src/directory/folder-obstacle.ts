import type { Obstacle } from "../change.ts";

/** Errors that pass by themselves, or are faults of ours. */
const TRANSIENT: ReadonlySet<string> = new Set(["EMFILE", "ENFILE", "EAGAIN", "EBUSY", "EINTR"]);

/** What an error of the file system means, and what to do. */
const ADVICE: Readonly<Record<string, { readonly reason: Obstacle["reason"]; readonly todo: string }>> = {
  EACCES: { reason: "WriteForbidden", todo: "let this user write into the folder" },
  EPERM: { reason: "WriteForbidden", todo: "let this user write into the folder" },
  EROFS: { reason: "WriteForbidden", todo: "mount the file system of the folder writable" },
  ELOOP: { reason: "WriteFailed", todo: "put a folder in its place" },
  EISDIR: { reason: "WriteFailed", todo: "remove the folder that stands in its place" },
  EIO: { reason: "WriteFailed", todo: "see to the disk of the folder" },
  ENOSPC: { reason: "DiskFull", todo: "free space on its disk" },
  EDQUOT: { reason: "DiskFull", todo: "raise this user's quota on its disk, or free some of it" },
  ENAMETOOLONG: { reason: "NameTooLong", todo: "give the object, or the folder, a shorter name" },
};
const OTHERWISE = { reason: "WriteFailed", todo: "see that the folder is there and can be written" } as const;

/**
 * What stands in the way of a file, when its write threw; undefined when trying again may help by
 * itself.
 */
export function folderObstacle(error: unknown, place: Pick<Obstacle, "kind" | "namespace" | "name">): Obstacle | undefined {
  const { code, message = String(error) } = error as NodeJS.ErrnoException;
  if (code === undefined || TRANSIENT.has(code)) return undefined;
  const { reason, todo } = ADVICE[code] ?? OTHERWISE;
  return { ...place, reason, message: `${message}: ${todo}` };
}
