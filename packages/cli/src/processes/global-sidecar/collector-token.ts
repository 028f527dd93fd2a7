import { FencelineError, fileFailure } from "@fenceline/api/vocabulary";
import { readTextFile } from "../../read-text-file.ts";

/**
 * Largest token that is read, in bytes. It must fit into a header; a service account's token has
 * about one kilobyte.
 */
const LARGEST = 16 * 1024;

/**
 * Reads the token in a file at each call: a kubelet replaces a projected token after four fifths of
 * its lifetime.
 *
 * @param file undefined: there is no token
 * @throws {FencelineError} `COLLECTOR_TOKEN_UNREADABLE`, by the returned function
 */
export function collectorToken(file: string | undefined): (() => string) | undefined {
  if (file === undefined) return undefined;
  return () => {
    const token = readText(file).trim();
    if (token !== "") return token;
    throw unreadable(file, "it is empty");
  };
}

function readText(file: string): string {
  try {
    return readTextFile(file, LARGEST);
  } catch (cause) {
    throw unreadable(file, `the file ${fileFailure(cause, process.getuid?.()).message}`, cause);
  }
}

function unreadable(file: string, why: string, cause?: unknown): FencelineError {
  const hint = "mount a service-account token for the audience fenceline-collector, and name its file by --collector-token-file";
  return new FencelineError("COLLECTOR_TOKEN_UNREADABLE", { at: { file }, message: `no token for the collector: ${why}`, hint, cause });
}
