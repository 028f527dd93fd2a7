import { lstat, mkdir, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";

/**
 * Makes a folder and the folders above it, where they are missing.
 *
 * Not by `mkdir` with `recursive`. That never ends below a file system which answers ENOENT to
 * every name, such as `/proc`, and it takes a dangling link for a folder.
 *
 * @throws the error of the file system
 */
export async function ensureFolder(path: string): Promise<void> {
  const whole = resolve(path);
  if (await isFolder(whole)) return;
  if (dirname(whole) !== whole) await ensureFolder(dirname(whole));
  try {
    await mkdir(whole);
  } catch (error) {
    // Another process may have made it meanwhile.
    if (!(await isFolder(whole))) throw error;
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}

/**
 * Makes sure that something can be written in a folder of ours without leaving it. Each folder is
 * made where it is missing. None may be a link, since a link could lead anywhere. Folders above the
 * first are not made: if somebody moves a folder away and we make it again, its manifests seem
 * deleted.
 *
 * @param folders from the outermost to the innermost
 * @throws the error of the file system, with code `ELOOP` for a link
 */
export async function makePlace(folders: readonly string[]): Promise<void> {
  for (const folder of folders) {
    await mkdir(folder).catch(ignoreExisting);
    await refuseLink(folder);
  }
}

/** @throws an error with code `ELOOP` when it is a link, wherever that leads */
export async function refuseLink(folder: string): Promise<void> {
  if (await isLink(folder)) throw Object.assign(new Error(`${folder} is a link, and nothing is written through one`), { code: "ELOOP" });
}

/** Whether it is a link, wherever that leads. A path that does not exist is none. */
export async function isLink(path: string): Promise<boolean> {
  const stats = await lstat(path).catch(ignoreMissing);
  return stats?.isSymbolicLink() === true;
}

/**
 * Whether the path certainly does not exist: each of the folders that it is in exists and is no
 * link.
 */
export async function isDeletedIn(folders: readonly string[], path: string): Promise<boolean> {
  try {
    if ((await lstat(path).catch(ignoreMissing)) !== undefined) return false;
    const stats = await Promise.all(folders.map((folder) => lstat(folder)));
    return stats.every((each) => each.isDirectory());
  } catch {
    return false;
  }
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== "EEXIST") throw error;
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}
