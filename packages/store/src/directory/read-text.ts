import { constants, type FileHandle, open } from "node:fs/promises";
import { type ErrorDetails, FencelineError, fileFailure } from "@fenceline/api";

/**
 * Largest file that is read, in bytes (issue 15). A parser of YAML takes about a second for a
 * megabyte, and nothing else happens meanwhile.
 */
export const MAX_TEXT_BYTES = 8 * 1024 * 1024;

/**
 * An entry with the name of a manifest that cannot be one: a FIFO, a device, a circle of links, a
 * dump. Only this entry is left out, even at a start.
 */
export class UnusableEntry extends FencelineError {}

/**
 * Reads a file that a person wrote. Anything else (a FIFO, a device, a dump) neither blocks it nor
 * fills the memory.
 *
 * @param most largest size that is taken, in bytes
 * @returns `folder` for a folder; undefined when there is no such file, or a link to one
 * @throws {FencelineError} `FILE_UNREADABLE`, naming file and reason; an {@link UnusableEntry}
 * where it is no file to read at all
 */
export async function readText(path: string, name: string, most = MAX_TEXT_BYTES): Promise<TextReading | "folder" | undefined> {
  try {
    // Without blocking: opening a FIFO would wait for its writer.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      return await readOpened(file, most);
    } finally {
      await file.close();
    }
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    const { code } = cause as NodeJS.ErrnoException;
    const Fault = cause instanceof NoFile || code === "ENXIO" || code === "ELOOP" ? UnusableEntry : FencelineError;
    throw new Fault("FILE_UNREADABLE", { at: { file: name }, ...reasonOf(cause), cause });
  }
}

/** A file's text, and when it was written by the file system's clock, in milliseconds. */
export interface TextReading {
  readonly text: string;
  readonly modifiedAt: number;
}

class NoFile extends Error {}

async function readOpened(file: FileHandle, most: number): Promise<TextReading | "folder"> {
  const stats = await file.stat();
  if (stats.isDirectory()) return "folder";
  if (!stats.isFile()) throw new NoFile("it is no file but a pipe, a socket or a device");
  const bytes = await readAtMost(file, most + 1);
  if (bytes.length > most) throw new NoFile(`it is larger than ${most / 1024 / 1024} MiB: split it into several files`);
  return { text: decode(bytes), modifiedAt: stats.mtimeMs };
}

function reasonOf(cause: unknown): Pick<ErrorDetails, "message" | "hint"> {
  if ((cause as NodeJS.ErrnoException).code === "ENXIO") return { message: "it is no file but a socket or a device" };
  if (cause instanceof TypeError) return { message: "it is no UTF-8 text: save it as UTF-8" };
  return fileFailure(cause, process.getuid?.());
}

/** The size that the file system reports may be out of date, or 0 as for everything in `/proc`. */
async function readAtMost(file: FileHandle, most: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for (let length = 0; length < most; ) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(Math.min(most - length, 256 * 1024)));
    if (bytesRead === 0) break;
    chunks.push(buffer.subarray(0, bytesRead));
    length += bytesRead;
  }
  return Buffer.concat(chunks);
}

/** Windows editors write a byte order mark first, which is dropped. @throws {TypeError} */
function decode(bytes: Buffer): string {
  return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
}
