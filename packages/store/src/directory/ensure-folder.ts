import { mkdir, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";

/**
 * Makes a folder and the folders above it, where they are missing.
 *
 * Not by `mkdir` with `recursive`: that never ends below a file system which answers ENOENT to
 * every name, such as `/proc`, and calls a dangling link a folder.
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
    // Somebody else may have made it meanwhile.
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
