import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { FencelineError, fileFailure } from "@fenceline/api/vocabulary";

/** Pause between two reads of a pipe whose writer is slow, in milliseconds. */
const PAUSE_MS = 20;
/** How long a pipe that a user named may be silent, in milliseconds. */
const PIPE_TIMEOUT_MS = 5_000;

/**
 * The text of a file that a flag names. It may be a pipe, such as the shell's `<(…)`.
 *
 * It is opened and read without blocking. A system call that waits for a pipe's writer would block
 * the whole process, and only SIGKILL would end it.
 *
 * @param most largest size that is accepted, in bytes: `/dev/zero`, or a dump by mistake, must not
 * fill the memory
 * @param timeout how long a pipe or a terminal may be silent, in milliseconds
 * @throws {Error} of the system when it cannot be read; else one that says what is wrong
 */
export function readTextFile(path: string, most: number, timeout = 0): string {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    return decode(readAtMost(file, most, timeout));
  } finally {
    closeSync(file);
  }
}

/**
 * The same, for a file that a user named: the writer of a pipe may come later.
 *
 * @throws {FencelineError} `FILE_UNREADABLE`
 */
export function readNamedFile(file: string, most: number): string {
  try {
    return readTextFile(file, most, PIPE_TIMEOUT_MS);
  } catch (cause) {
    throw unreadable(file, cause);
  }
}

/** The error for a file or folder that cannot be read. */
export function unreadable(file: string, cause: unknown): FencelineError {
  return new FencelineError("FILE_UNREADABLE", { at: { file }, ...fileFailure(cause, process.getuid?.()), cause });
}

function readAtMost(file: number, most: number, timeout: number): Buffer {
  const buffer = Buffer.allocUnsafe(most + 1);
  const isPipe = fstatSync(file).isFIFO();
  let length = 0;
  for (let silent = 0; length < buffer.length; ) {
    const bytes = readNow(file, buffer.subarray(length));
    // A pipe without a writer reads as if it were at its end. If it gave nothing so far, its writer
    // may come later.
    const isWaitedFor = bytes === undefined || (bytes === 0 && isPipe && length === 0);
    if (bytes === 0 && !isWaitedFor) return buffer.subarray(0, length);
    if (isWaitedFor) {
      if (silent >= timeout) throw new Error("gives nothing to read: it is a pipe or a device that nobody writes to");
      pause();
      silent += PAUSE_MS;
    } else {
      length += bytes;
      silent = 0;
    }
  }
  throw new Error(`is larger than ${most / 1024} KiB`);
}

/** Number of bytes; 0 at the end, undefined when there are none yet. */
function readNow(file: number, buffer: Buffer): number | undefined {
  try {
    return readSync(file, buffer, 0, buffer.length, null);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return undefined;
    throw error;
  }
}

function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
}

/** Windows editors put a byte order mark at the beginning. It is dropped. */
function decode(bytes: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new Error("is no UTF-8 text: save it as UTF-8", { cause });
  }
}
