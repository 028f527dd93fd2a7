import { createHash, randomBytes } from "node:crypto";
import { constants, copyFileSync, existsSync, lstatSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { parseDocument, visit } from "yaml";
import { readText } from "./read-text.ts";

/** A YAML file as far as it can be read. */
export interface YamlReading {
  /** Undefined when nothing could be read. */
  readonly content: unknown;
  /** What is wrong with it; undefined when nothing is. */
  readonly fault: string | undefined;
  /** Undefined when it is not text. */
  readonly text?: string;
}

/**
 * Largest file that is read, in bytes. A fence with 100,000 hosts, the most that it may learn,
 * takes 25 MB.
 */
const MAX_BYTES = 32 * 1024 * 1024;

const MOST_ALIASES = 1_000;

/**
 * Reads a YAML file. From a file that was cut off, or overwritten in part, it reads what still
 * makes sense. Never throws. Anything else (a FIFO, a device, a dump) neither blocks it nor fills
 * the memory.
 */
export async function readYaml(path: string): Promise<YamlReading> {
  try {
    const reading = await readText(path, path, MAX_BYTES);
    if (reading === undefined || reading === "folder") return { content: undefined, fault: "it is no file" };
    return { ...parseYaml(reading.text), text: reading.text };
  } catch (error) {
    return { content: undefined, fault: error instanceof Error ? error.message : String(error) };
  }
}

function parseYaml(text: string): YamlReading {
  // A check for unique keys compares each key with each other: for 100,000 hosts that takes
  // minutes. Of two equal keys the last one counts.
  const document = parseDocument(text, { uniqueKeys: false });
  const [error] = document.errors;
  let aliases = 0;
  visit(document, {
    Alias: () => {
      aliases += 1;
    },
  });
  // For each alias all anchors are searched. We write none, and a person few. `toJS` throws then,
  // as it does where aliases multiply.
  const maxAliasCount = aliases > MOST_ALIASES ? 0 : 100;
  return { content: document.toJS({ maxAliasCount }) ?? undefined, fault: error?.message.split("\n", 1)[0] };
}

/**
 * Keeps a damaged file beside its place, under a name that no start reads. A file that is readable
 * in part, and will be written over, is copied. Any other file, or the directory in its place, is
 * moved, so that it disturbs nobody. The same content is kept once, however often it is found.
 *
 * @returns where it is kept; undefined when that is not possible, for example on a read-only file
 * system
 */
export function setAside(path: string, how: "copy" | "move"): string | undefined {
  try {
    const aside = `${path}.unreadable-${markOf(path)}`;
    if (how === "move") renameSync(path, aside);
    // Nor is it copied through a link of that name.
    else if (!existsSync(aside)) copyFileSync(path, aside, constants.COPYFILE_EXCL);
    return aside;
  } catch {
    return undefined;
  }
}

/**
 * Removes a file that can be made again. A directory in its place is kept: it may hold anything.
 */
export function discard(path: string): void {
  try {
    if (lstatSync(path).isDirectory()) setAside(path, "move");
    else rmSync(path, { force: true });
  } catch {
    // The next write there reports why the file cannot be removed.
  }
}

function markOf(path: string): string {
  try {
    const stats = statSync(path);
    if (!stats.isFile() || stats.size > MAX_BYTES) return randomBytes(4).toString("hex");
    return createHash("sha256").update(readFileSync(path)).digest("hex").slice(0, 8);
  } catch {
    return randomBytes(4).toString("hex");
  }
}
