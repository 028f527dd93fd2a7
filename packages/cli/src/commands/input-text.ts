import { readNamedFile, unreadable } from "../read-text-file.ts";

/** A text that a user named, and what messages call it. */
export interface InputText {
  readonly file: string;
  readonly text: string;
}

/** By this name a user means the standard input. */
export const STANDARD_INPUT = "-";

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

/** Not as a file: the standard input may be a socket, which has no path. */
async function standardInput(): Promise<string> {
  let text = "";
  for await (const chunk of process.stdin.setEncoding("utf8")) {
    text += chunk;
    if (text.length > LARGEST) throw unreadable("standard input", new Error(`is larger than ${LARGEST / 1024} KiB`));
  }
  return text;
}
