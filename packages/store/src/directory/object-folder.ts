import { readdirSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { describeLeftOut, FencelineError, fileFailure } from "@fenceline/api";
import { stringify } from "yaml";
import { removeUnfinished, type WriteOptions, writeFileAtomic } from "./atomic-file.ts";
import { readYaml, setAside } from "./damaged-file.ts";

/** Names one object of a folder. */
export interface FolderKey {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** What a file's content is worth. */
export interface Reading<T> {
  readonly value: T | undefined;
  /** Paths of what could not be read. */
  readonly leftOut: readonly string[];
  /** How many more could not be read, whose paths are not kept. Default 0. */
  readonly unnamed?: number;
}

/** How objects are written. */
export interface FolderOptions<T> extends WriteOptions {
  /** What a file holds of an object. Default: the object. */
  readonly contentOf?: (value: T) => unknown;
}

const NOTHING: Reading<never> = { value: undefined, leftOut: [] };

const FILE_NAME = /^([A-Za-z]+)-(.+)\.yaml$/;

/**
 * A folder with one YAML file per object, `<folder>/<namespace>/<Kind>-<name>.yaml`, that only we
 * write. What is in it is kept in memory.
 */
export class ObjectFolder<T> {
  readonly #folder: string;
  readonly #heading: (value: T) => string;
  readonly #write: FolderOptions<T>;
  readonly #objects = new Map<string, { readonly key: FolderKey; readonly value: T }>();

  /** @param heading comment that opens a file, to tell people what it is */
  constructor(folder: string, heading: (value: T) => string, write: FolderOptions<T>) {
    this.#folder = folder;
    this.#heading = heading;
    this.#write = write;
  }

  /**
   * Reads the folder, as far as it can be read. A file that is not whole is kept aside before
   * anything replaces it, and told.
   *
   * @param read turns a file's content into an object; undefined when there is none in it
   * @throws {FencelineError} `DIRECTORY_UNUSABLE` when it is no folder, or cannot be listed
   */
  async load(read: (content: unknown, key: FolderKey) => Reading<T>, onTrouble: (error: FencelineError) => void): Promise<void> {
    for (const key of await this.#keysOnDisk()) {
      const path = this.#path(key);
      const { content, fault } = await readYaml(path);
      const { value, leftOut, unnamed } = content === undefined ? NOTHING : read(content, key);
      if (value !== undefined) this.#objects.set(path, { key, value });
      const isWhole = fault === undefined && value !== undefined && leftOut.length === 0;
      if (!isWhole) onTrouble(keepAside(path, fault ?? whatIsMissing(key, leftOut, unnamed), value === undefined));
    }
  }

  get(key: FolderKey): T | undefined {
    return this.#objects.get(this.#path(key))?.value;
  }

  entries(): { readonly key: FolderKey; readonly value: T }[] {
    return [...this.#objects.values()];
  }

  async put(key: FolderKey, value: T): Promise<void> {
    const path = this.#path(key);
    // Readers of YAML 1.1, as kubectl is one, take a plain `on` for a boolean: such texts are
    // quoted.
    const { contentOf = (whole) => whole } = this.#write;
    const text = `# ${this.#heading(value)}\n${stringify(contentOf(value), { aliasDuplicateObjects: false, lineWidth: 0, compat: "yaml-1.1" })}`;
    // Not what is above: were a folder that somebody took away made anew, the manifests that went
    // with it would seem deleted.
    for (const folder of [this.#folder, dirname(path)]) await mkdir(folder).catch(ignoreExisting);
    await writeFileAtomic(path, text, this.#write);
    this.#objects.set(path, { key, value });
  }

  async delete(key: FolderKey): Promise<void> {
    const path = this.#path(key);
    await rm(path, { force: true });
    this.#objects.delete(path);
  }

  #path({ namespace, kind, name }: FolderKey): string {
    return join(this.#folder, namespace, `${kind}-${name}.yaml`);
  }

  async #keysOnDisk(): Promise<FolderKey[]> {
    try {
      await removeUnfinished(this.#folder);
      return this.#list();
    } catch (cause) {
      const { message, hint = "move it away" } = fileFailure(cause, process.getuid?.());
      throw new FencelineError("DIRECTORY_UNUSABLE", { at: { file: this.#folder }, message: `cannot be listed: ${message}`, hint, cause });
    }
  }

  #list(): FolderKey[] {
    return listFolder(this.#folder).flatMap((namespace) =>
      listFolder(join(this.#folder, namespace)).flatMap((file) => {
        const [, kind, name] = FILE_NAME.exec(file) ?? [];
        return kind === undefined || name === undefined ? [] : [{ kind, namespace, name }];
      }),
    );
  }
}

/** Keeps a damaged file, and says what is wrong with it. */
function keepAside(path: string, fault: string, isLost: boolean): FencelineError {
  const kept = setAside(path, isLost ? "move" : "copy");
  const taken = isLost ? "started without it" : "started with what is readable of it";
  const hint = kept === undefined ? "it could not be kept aside" : `kept aside as ${basename(kept)}`;
  return new FencelineError("STATE_UNREADABLE", { at: { file: path }, message: `${fault}; ${taken}`, hint });
}

function whatIsMissing({ kind }: FolderKey, leftOut: readonly string[], unnamed = 0): string {
  return leftOut.length === 0 ? `holds no ${kind}` : `not readable, and left out: ${describeLeftOut(leftOut, unnamed)}`;
}

function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR" || code === "ELOOP") return [];
    throw error;
  }
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== "EEXIST") throw error;
}
