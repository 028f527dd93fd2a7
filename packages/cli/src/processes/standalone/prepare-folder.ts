import { randomBytes } from "node:crypto";
import { existsSync, realpathSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join, resolve, sep } from "node:path";
import { FencelineError } from "@fenceline/api";
import { ensureFolder, isLink } from "@fenceline/store";

/** The usual errors of a file system, in words. */
const REASONS: Readonly<Record<string, string>> = {
  EACCES: "this user may not write there",
  EPERM: "this user may not write there",
  EROFS: "the file system is read-only",
  EEXIST: "it is there and is no folder",
  EISDIR: "a folder is there in the place of a file",
  ERR_FS_EISDIR: "a folder is there in the place of a file",
  ENOTDIR: "something above it is no folder",
  ENOENT: "this file system lets nobody make files or folders there",
  ENOSPC: "the disk is full",
  EDQUOT: "the user's share of the disk is full",
  ENAMETOOLONG: "the name is too long",
  ELOOP: "its links lead in a circle",
};

/**
 * Creates the folder of `--dir` if it is missing, and changes nothing in it: another process may be
 * using it.
 *
 * @throws {FencelineError} `DIRECTORY_UNUSABLE`, naming folder and reason
 */
export async function makeFolder(folder: string): Promise<void> {
  await ensureFolder(folder).catch((cause) => refuse(folder, cause));
}

/**
 * Checks that the folder of `--dir` can be written, and also what an earlier run made in it.
 * Without state and rendered objects a run is useless, and would not notice before the first call.
 *
 * @throws {FencelineError} `DIRECTORY_UNUSABLE`, naming folder and reason
 */
export async function prepareFolder(folder: string): Promise<void> {
  await seeThatItCanBeWritten(folder);
  for (const below of ["state", "rendered"].map((name) => join(folder, name))) {
    // Nothing is written to the target of a link: it is not ours.
    if (await isLink(below)) refuse(below, new Error("it is a link: put a folder there"));
    if (existsSync(below)) await seeThatItCanBeWritten(below);
  }
}

async function seeThatItCanBeWritten(folder: string): Promise<void> {
  // It has the name of an unfinished write, so that no reader takes it for a manifest.
  const probe = join(folder, `.${randomBytes(6).toString("hex")}.tmp`);
  await writeFile(probe, "Fenceline sees whether it can write here.\n", { flag: "wx" })
    .finally(() => rm(probe, { force: true }))
    .catch((cause) => refuse(folder, cause));
}

function refuse(folder: string, cause: NodeJS.ErrnoException): never {
  const { path, code } = cause;
  // `mkdir` gives the same error for a file above the folder as for one in its place.
  const isAbove = code === "EEXIST" && path !== undefined && resolve(path) !== resolve(folder);
  throw unusable(folder, cause, isAbove ? "ENOTDIR" : code);
}

/**
 * The error of a failed start. A system error at a file of the folder is reported as one of the
 * folder, whatever the step.
 */
export function startFailure(error: unknown, folder: string): unknown {
  if (error instanceof FencelineError || !(error instanceof Error)) return error;
  const { path } = error as NodeJS.ErrnoException;
  if (typeof path !== "string") return error;
  const isOfFolder = [resolve(folder), realFolder(folder)].some((each) => resolve(path) === each || resolve(path).startsWith(each + sep));
  return isOfFolder ? unusable(path, error, (error as NodeJS.ErrnoException).code) : error;
}

function realFolder(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    return resolve(folder);
  }
}

function unusable(file: string, cause: unknown, code = ""): FencelineError {
  const { message } = cause as Error;
  return new FencelineError("DIRECTORY_UNUSABLE", {
    at: { file },
    message: `cannot keep state here: ${REASONS[code] ?? message}`,
    hint: "name a folder that can be written with --dir",
    cause,
  });
}
