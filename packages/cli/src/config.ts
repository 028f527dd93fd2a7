import { type Config, parseConfig } from "@fenceline/api";
import { readNamedFile } from "./read-text-file.ts";

/**
 * Largest configuration that is read, in bytes. A YAML parser takes about a second for a megabyte.
 */
const LARGEST = 1024 * 1024;

/**
 * The configuration in a file. Without a file, the defaults.
 *
 * @throws {FencelineError} `FILE_UNREADABLE`, or `CONFIG_INVALID` with line and field
 */
export function readConfig(file: string | undefined): Config {
  return file === undefined ? parseConfig("", "") : parseConfig(readConfigText(file), file);
}

/**
 * The text of a configuration.
 *
 * @throws {FencelineError} `FILE_UNREADABLE`
 */
export function readConfigText(file: string): string {
  return readNamedFile(file, LARGEST);
}
