import { readFileSync } from "node:fs";
import { type Config, FencelineError, fileFailure, parseConfig } from "@fenceline/api";

/**
 * The configuration in a file; without a file, the defaults.
 *
 * @throws {FencelineError} `FILE_UNREADABLE`, or `CONFIG_INVALID` with line and field
 */
export function readConfig(file: string | undefined): Config {
  if (file === undefined) return parseConfig("", "");
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    const { message, hint } = fileFailure(cause, process.getuid?.());
    throw new FencelineError("FILE_UNREADABLE", { at: { file }, message, ...(hint !== undefined && { hint }), cause });
  }
  return parseConfig(text, file);
}
