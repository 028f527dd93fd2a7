import { closeSync, openSync, readSync } from "node:fs";

/**
 * The text of a file that a flag names, a pipe such as the shell's `<(…)` included.
 *
 * @param most largest size that is taken, in bytes: `/dev/zero`, or a dump by mistake, must not fill the memory
 * @throws {Error} of the system where it cannot be read; else one that says what is wrong with it
 */
export function readTextFile(path: string, most: number): string {
  const file = openSync(path, "r");
  try {
    return decode(readAtMost(file, most));
  } finally {
    closeSync(file);
  }
}

function readAtMost(file: number, most: number): Buffer {
  const buffer = Buffer.allocUnsafe(most + 1);
  let length = 0;
  while (length < buffer.length) {
    const bytes = readSync(file, buffer, length, buffer.length - length, null);
    if (bytes === 0) return buffer.subarray(0, length);
    length += bytes;
  }
  throw new Error(`is larger than ${most / 1024} KiB`);
}

/** A byte order mark in front, as Windows editors put it, is dropped. */
function decode(bytes: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new Error("is no UTF-8 text: save it as UTF-8", { cause });
  }
}
