import { type Dirent, readdirSync } from "node:fs";
import { lstat, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { compareText, describeLeftOut, FencelineError, fileFailure, type ObjectRef, shortHash } from "@fenceline/api";
import { stringify } from "yaml";
import { type FilePrint, isSamePrint, printOf, removeUnfinished, type WriteOptions, writeFileAtomic } from "./atomic-file.ts";
import { discard, readYaml, setAside, type YamlReading } from "./damaged-file.ts";
import { fileName, type NamedFile, readFileName } from "./file-name.ts";
import { isDeletedIn, makePlace, refuseLink } from "./folders.ts";
import { Turns } from "./turns.ts";

/** What was read of a file. */
export interface Reading<T> {
  readonly value: T | undefined;
  /** Paths of what could not be read. */
  readonly leftOut: readonly string[];
  /** How many more could not be read, whose paths are not kept. Default 0. */
  readonly unnamed?: number;
}

/** How objects are written. */
export interface FolderOptions<T> extends WriteOptions {
  /** Comment at the top of a file that tells people what it is. */
  readonly heading: (value: T) => string;
  /** The content of an object's file. */
  readonly contentOf: (value: T, key: ObjectRef) => unknown;
  /** The object's name in a file whose own name is too short for it. */
  readonly nameIn: (content: unknown) => unknown;
  /**
   * Whether everything in it can be made again from elsewhere. Then what somebody else wrote does
   * not count, and nothing of it is kept. Default false.
   */
  readonly isDerived?: boolean;
}

interface Kept<T> {
  readonly key: ObjectRef;
  readonly value: T;
  /** The text of the file on disk, where the content is derived. */
  readonly text: string | undefined;
  readonly length: number;
  readonly print: FilePrint | undefined;
}

const NOTHING: Reading<never> = { value: undefined, leftOut: [] };
const CHECKSUM = /^# [^\n]* Checksum: ([0-9a-f]{16})\n/;

/**
 * A folder with one YAML file per object, `<folder>/<namespace>/<Kind>-<name>.yaml`, that only we
 * write. What is in it is kept in memory.
 */
export class ObjectFolder<T> {
  readonly #folder: string;
  readonly #options: FolderOptions<T>;
  readonly #objects = new Map<string, Kept<T>>();
  /** Files that existed, and in which nothing could be read. */
  readonly #unreadable = new Set<string>();
  readonly #turns = new Turns();

  constructor(folder: string, options: FolderOptions<T>) {
    this.#folder = folder;
    this.#options = options;
  }

  /**
   * Reads the folder, as far as it can be read. A damaged file is told. It is kept aside before
   * anything replaces it; where the content is derived it is removed.
   *
   * @param read turns a file's content into an object; undefined when there is none in it
   * @throws {FencelineError} `DIRECTORY_UNUSABLE` when it is no folder, or cannot be listed
   */
  async load(read: (content: unknown, key: ObjectRef) => Reading<T>, onTrouble: (error: FencelineError) => void): Promise<void> {
    for (const { path, namespace, file } of await this.#filesOnDisk()) {
      const reading = await readYaml(path);
      const key = this.#keyOf(namespace, file, reading.content);
      const fault = reading.fault ?? this.#faultOf(path, key, reading);
      const { value, leftOut, unnamed } =
        reading.content === undefined || (fault !== undefined && this.#isDerived) ? NOTHING : read(reading.content, key);
      if (value === undefined) this.#unreadable.add(path);
      else await this.#keepLoaded(path, key, value, reading.text ?? "");
      const isWhole = fault === undefined && value !== undefined && leftOut.length === 0;
      if (!isWhole) onTrouble(this.#troubleOf(path, fault ?? whatIsMissing(key, leftOut, unnamed), value === undefined));
    }
  }

  get(key: ObjectRef): T | undefined {
    return this.#objects.get(this.#path(key))?.value;
  }

  /** How long an object's file is, in characters. */
  lengthOf(key: ObjectRef): number {
    return this.#objects.get(this.#path(key))?.length ?? 0;
  }

  entries(): { readonly key: ObjectRef; readonly value: T }[] {
    return [...this.#objects.values()];
  }

  /** @returns whether somebody had deleted its file; false where the content is derived */
  async put(key: ObjectRef, value: T): Promise<boolean> {
    const path = this.#path(key);
    const text = this.#textOf(key, value);
    return this.#turns.take(path, async () => {
      const wasDeleted = !this.#isDerived && (await this.#isDeleted(path));
      this.#keep(path, { key, value, print: await this.#write(path, text) }, text);
      return wasDeleted;
    });
  }

  async delete(key: ObjectRef): Promise<void> {
    const path = this.#path(key);
    await this.#turns.take(path, async () => {
      for (const folder of [this.#folder, dirname(path)]) await refuseLink(folder);
      await rm(path, { force: true });
      this.#objects.delete(path);
    });
  }

  /** The object to which this file belongs; undefined when there is none. */
  keyAt(namespace: string, file: string): ObjectRef | undefined {
    return this.#objects.get(join(this.#folder, namespace, file))?.key;
  }

  /**
   * Writes an object's file again when somebody else changed it.
   *
   * @returns whether it was changed or gone
   */
  async restore(key: ObjectRef): Promise<boolean> {
    const path = this.#path(key);
    return this.#turns.take(path, async () => {
      const kept = this.#objects.get(path);
      if (kept?.text === undefined || isSamePrint(kept.print, await printOf(path))) return false;
      const isRestored = (await readYaml(path)).text !== kept.text;
      if (isRestored && (await lstat(path).catch(() => undefined))?.isDirectory() === true) setAside(path, "move");
      this.#objects.set(path, { ...kept, print: isRestored ? await this.#write(path, kept.text) : await printOf(path) });
      return isRestored;
    });
  }

  /**
   * Whether somebody deleted an object's file. Not where its folder is gone too: that may be
   * mounted again, or moved back.
   */
  isDeleted(key: ObjectRef): Promise<boolean> {
    const path = this.#path(key);
    return this.#turns.take(path, () => this.#isDeleted(path));
  }

  /**
   * Whether an object has no file, and had none that was unreadable, though its namespace has files
   * here.
   */
  async lacks(key: ObjectRef): Promise<boolean> {
    const path = this.#path(key);
    if (this.#objects.has(path) || this.#unreadable.has(path)) return false;
    return isDeletedIn([this.#folder, dirname(path)], path);
  }

  /**
   * What an object's file contains now, whoever wrote it; undefined when it is gone or holds no
   * such object.
   */
  async found(key: ObjectRef, read: (content: unknown, key: ObjectRef) => Reading<T>): Promise<T | undefined> {
    const { content, fault } = await readYaml(this.#path(key));
    return content === undefined || fault !== undefined ? undefined : read(content, key).value;
  }

  /** Resolves when nothing is being written. */
  async idle(): Promise<void> {
    await this.#turns.idle();
  }

  get #isDerived(): boolean {
    return this.#options.isDerived === true;
  }

  async #isDeleted(path: string): Promise<boolean> {
    return this.#objects.has(path) && (await isDeletedIn([this.#folder, dirname(path)], path));
  }

  /** If somebody edited something else in the file, such as a comment, it is written again. */
  async #keepLoaded(path: string, key: ObjectRef, value: T, text: string): Promise<void> {
    const ours = this.#isDerived ? this.#textOf(key, value) : text;
    const isAsWritten = text === ours || !CHECKSUM.test(text);
    this.#keep(path, { key, value, print: isAsWritten ? await printOf(path) : undefined }, ours);
  }

  #keep(path: string, kept: Pick<Kept<T>, "key" | "value" | "print">, text: string): void {
    this.#objects.set(path, { ...kept, text: this.#isDerived ? text : undefined, length: text.length });
  }

  async #write(path: string, text: string): Promise<FilePrint> {
    await makePlace([this.#folder, dirname(path)]);
    return await writeFileAtomic(path, text, this.#options);
  }

  #textOf(key: ObjectRef, value: T): string {
    const { heading, contentOf } = this.#options;
    // Readers of YAML 1.1, such as kubectl, take a plain `on` for a boolean, so such texts are
    // quoted.
    const content = contentOf(value, key);
    const checksum = this.#isDerived ? ` Checksum: ${checksumOf(content)}` : "";
    return `# ${heading(value)}${checksum}\n${stringify(content, { aliasDuplicateObjects: false, lineWidth: 0, compat: "yaml-1.1" })}`;
  }

  #path(key: ObjectRef): string {
    return join(this.#folder, key.namespace, fileName(key));
  }

  #keyOf(namespace: string, { kind, name, isShortened }: NamedFile, content: unknown): ObjectRef {
    const whole = isShortened ? this.#options.nameIn(content) : name;
    return { kind, namespace, name: typeof whole === "string" ? whole : name };
  }

  #faultOf(path: string, key: ObjectRef, { text = "", content }: YamlReading): string | undefined {
    if (this.#path(key) !== path) return "it is of no object of this name";
    const [, checksum] = CHECKSUM.exec(text) ?? [];
    // Files of an earlier version have no checksum.
    return !this.#isDerived || checksum === undefined || checksum === checksumOf(content) ? undefined : "somebody edited it";
  }

  #troubleOf(path: string, fault: string, isLost: boolean): FencelineError {
    if (!this.#isDerived) return keepAside(path, fault, isLost);
    discard(path);
    return new FencelineError("STATE_UNREADABLE", { at: { file: path }, message: `${fault}; it is rendered again` });
  }

  async #filesOnDisk(): Promise<FileOnDisk[]> {
    try {
      await refuseLink(this.#folder);
      await removeUnfinished(this.#folder);
      return this.#list();
    } catch (cause) {
      const { message, hint = "move it away" } = fileFailure(cause, process.getuid?.());
      throw new FencelineError("DIRECTORY_UNUSABLE", { at: { file: this.#folder }, message: `cannot be listed: ${message}`, hint, cause });
    }
  }

  #list(): FileOnDisk[] {
    // Not through links: nothing is written through them either.
    const namespaces = listFolder(this.#folder).filter((entry) => entry.isDirectory());
    return namespaces.flatMap(({ name: namespace }) =>
      listFolder(join(this.#folder, namespace)).flatMap(({ name }) => {
        const file = readFileName(name);
        return file === undefined ? [] : [{ path: join(this.#folder, namespace, name), namespace, file }];
      }),
    );
  }
}

interface FileOnDisk {
  readonly path: string;
  readonly namespace: string;
  readonly file: NamedFile;
}

/** The checksum of all but `metadata`: an edit there is seen when the object is rendered again. */
function checksumOf(content: unknown): string {
  const { metadata: _, ...rest } = (content ?? {}) as { readonly metadata?: unknown };
  return shortHash(JSON.stringify(rest));
}

/** Keeps a damaged file, and says what is wrong with it. */
function keepAside(path: string, fault: string, isLost: boolean): FencelineError {
  const kept = setAside(path, isLost ? "move" : "copy");
  const taken = isLost ? "started without it" : "started with what is readable of it";
  const hint = kept === undefined ? "it could not be kept aside" : `kept aside as ${basename(kept)}`;
  return new FencelineError("STATE_UNREADABLE", { at: { file: path }, message: `${fault}; ${taken}`, hint });
}

function whatIsMissing({ kind }: ObjectRef, leftOut: readonly string[], unnamed = 0): string {
  return leftOut.length === 0 ? `holds no ${kind}` : `not readable, and left out: ${describeLeftOut(leftOut, unnamed)}`;
}

function listFolder(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).sort((one, other) => compareText(one.name, other.name));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR" || code === "ELOOP") return [];
    throw error;
  }
}
