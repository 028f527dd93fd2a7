import { type Config, FencelineError, fileFailure, parseConfig } from "@fenceline/api";
import { readTextFile } from "./read-text-file.ts";

/**
 * Largest configuration that is read, in bytes. A parser of YAML takes about a second for a
 * megabyte.
 */
const LARGEST = 1024 * 1024;
/**
 * How long a pipe is waited for, such as one that a program writes the configuration to, in
 * milliseconds.
 */
const PIPE_TIMEOUT_MS = 5_000;

/**
 * The configuration in a file; without a file, the defaults.
 *
 * @throws {FencelineError} `FILE_UNREADABLE`, or `CONFIG_INVALID` with line and field
 */
export function readConfig(file: string | undefined): Config {
  if (file === undefined) return parseConfig("", "");
  let text: string;
  try {
    text = readTextFile(file, LARGEST, PIPE_TIMEOUT_MS);
  } catch (cause) {
    throw new FencelineError("FILE_UNREADABLE", { at: { file }, ...fileFailure(cause, process.getuid?.()), cause });
  }
  return parseConfig(text, file);
}
