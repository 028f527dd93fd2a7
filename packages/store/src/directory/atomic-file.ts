import { randomBytes } from "node:crypto";
import type { Stats } from "node:fs";
import { lstat, open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/**
 * Name of a file that is being written. Readers ignore it, and a start removes what a killed
 * process left. Only names in the form made here match, since the folder may hold files of others.
 */
const UNFINISHED = /^\..+\.[0-9a-f]{12}\.tmp$/;

/** How sure a write must be before it counts as done. */
export interface WriteOptions {
  /**
   * Also survive a loss of power: data reaches the disk before the name does. Costs a disk flush.
   */
  readonly durable: boolean;
}

/** Tells one file from another, and a file from itself after a change. */
export type FilePrint = Pick<Stats, "ino" | "size" | "mtimeMs">;

/** The print of what has the name now, links not followed; undefined when there is nothing. */
export async function printOf(path: string): Promise<FilePrint | undefined> {
  try {
    const { ino, size, mtimeMs } = await lstat(path);
    return { ino, size, mtimeMs };
  } catch {
    return undefined;
  }
}

/** Whether both exist and are the same. */
export function isSamePrint(one: FilePrint | undefined, other: FilePrint | undefined): boolean {
  return one !== undefined && one.ino === other?.ino && one.size === other.size && one.mtimeMs === other.mtimeMs;
}

/**
 * Replaces a file in one step: a reader, or a process that starts after this one was killed, sees
 * the old text or the new one, never a part.
 *
 * POSIX promises that of rename(2) within one file system. So the new text is written beside its
 * destination, in a folder that must exist.
 *
 * @returns what tells it from any other file that takes its place
 */
export async function writeFileAtomic(path: string, text: string, { durable }: WriteOptions): Promise<FilePrint> {
  const folder = dirname(path);
  const unfinished = join(folder, `.${basename(path)}.${randomBytes(6).toString("hex")}.tmp`);
  try {
    const file = await open(unfinished, "wx", 0o644);
    let print: FilePrint;
    try {
      await file.writeFile(text);
      print = await file.stat();
      // Without this, a rename can reach the disk before the data and leave an empty file after a
      // power loss.
      if (durable) await file.datasync();
    } finally {
      await file.close();
    }
    await rename(unfinished, path);
    return { ino: print.ino, size: print.size, mtimeMs: print.mtimeMs };
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}

/**
 * Removes what unfinished writes left in a folder and in the folders in it: nothing is written
 * deeper. It does not go deeper, and not through links, since a link to a large or circular tree
 * would be walked for ever.
 */
export async function removeUnfinished(folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(ignoreMissing);
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(folder, name));
  const names = [folder, ...folders].map(async (each) => (await readdir(each).catch(ignoreMissing)).map((name) => join(each, name)));
  const unfinished = (await Promise.all(names)).flat().filter((path) => UNFINISHED.test(basename(path)));
  await Promise.all(unfinished.map((path) => rm(path, { force: true })));
}

function ignoreMissing(error: NodeJS.ErrnoException): never[] {
  if (error.code === "ENOENT") return [];
  throw error;
}
