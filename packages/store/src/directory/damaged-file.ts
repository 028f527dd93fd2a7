import { createHash, randomBytes } from "node:crypto";
import { copyFileSync, existsSync, readFileSync, renameSync } from "node:fs";
import { parseDocument } from "yaml";

/** A YAML file as far as it can be read. */
export interface YamlReading {
  /** Undefined when nothing could be read. */
  readonly content: unknown;
  /** What is wrong with it; undefined when it is whole. */
  readonly fault: string | undefined;
}

/** Reads a YAML file: of one that was cut off, or written over in part, what still makes sense. Never throws. */
export function readYaml(path: string): YamlReading {
  try {
    const document = parseDocument(readFileSync(path, "utf8"));
    const [error] = document.errors;
    // `toJS` throws where aliases multiply beyond yaml's limit.
    return { content: document.toJS() ?? undefined, fault: error?.message.split("\n", 1)[0] };
  } catch (error) {
    return { content: undefined, fault: error instanceof Error ? error.message : String(error) };
  }
}

/**
 * Keeps a damaged file beside its place, under a name that no start reads: a copy of one that is readable in part and will be written over, else the
 * file itself (or the directory that is in its place), so that it is in nobody's way. The same content is kept once, however often it is met.
 *
 * @returns where it is kept; undefined when that is not possible, for example on a read-only file system
 */
export function setAside(path: string, how: "copy" | "move"): string | undefined {
  try {
    const aside = `${path}.unreadable-${markOf(path)}`;
    if (how === "move") renameSync(path, aside);
    else if (!existsSync(aside)) copyFileSync(path, aside);
    return aside;
  } catch {
    return undefined;
  }
}

function markOf(path: string): string {
  try {
    return createHash("sha256").update(readFileSync(path)).digest("hex").slice(0, 8);
  } catch {
    return randomBytes(4).toString("hex");
  }
}
