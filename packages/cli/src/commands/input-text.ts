import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { isManifestName } from "@fenceline/store";
import { readNamedFile, unreadable } from "../read-text-file.ts";

/** An input of the user, and its name in messages. */
export interface InputText {
  readonly file: string;
  readonly text: string;
}

/** The name of the standard input. */
const STANDARD_INPUT = "-";

/** Largest file that is read, in bytes. */
const LARGEST = 64 * 1024 * 1024;

/**
 * The text of a file, or of the standard input.
 *
 * @throws {FencelineError} `FILE_UNREADABLE`
 */
export async function inputText(path: string): Promise<InputText> {
  if (path === STANDARD_INPUT) return { file: "standard input", text: await standardInput() };
  return { file: path, text: readNamedFile(path, LARGEST) };
}

/**
 * The manifests at a path: those of a folder, in the order of their names, or one file. Folders in
 * a folder are not read.
 *
 * @throws {FencelineError} `FILE_UNREADABLE`
 */
export function manifestFiles(path: string): readonly string[] {
  if (path === STANDARD_INPUT) return [path];
  try {
    if (!statSync(path).isDirectory()) return [path];
    return readdirSync(path)
      .filter(isManifestName)
      .sort()
      .map((name) => join(path, name));
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

/** It is not read as a file: the standard input may be a socket, which has no path. */
async function standardInput(): Promise<string> {
  let text = "";
  for await (const chunk of process.stdin.setEncoding("utf8")) {
    text += chunk;
    if (text.length > LARGEST) throw unreadable("standard input", new Error(`is larger than ${LARGEST / 1024} KiB`));
  }
  return text;
}
