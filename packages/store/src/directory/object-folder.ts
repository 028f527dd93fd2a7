import { readdirSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { FencelineError } from "@fenceline/api";
import { parse, stringify } from "yaml";
import { removeUnfinished, type WriteOptions, writeFileAtomic } from "./atomic-file.ts";

/** Names one object of a folder. */
export interface FolderKey {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

const FILE_NAME = /^([A-Za-z]+)-(.+)\.yaml$/;

/**
 * A folder with one YAML file per object, `<folder>/<namespace>/<Kind>-<name>.yaml`, that only we write. What is in it is kept in memory.
 */
export class ObjectFolder<T> {
  readonly #folder: string;
  readonly #heading: string;
  readonly #write: WriteOptions;
  readonly #objects = new Map<string, { readonly key: FolderKey; readonly value: T }>();

  /** @param heading comment that opens every file, to tell people what it is */
  constructor(folder: string, heading: string, write: WriteOptions) {
    this.#folder = folder;
    this.#heading = heading;
    this.#write = write;
  }

  /**
   * Reads the folder. `check` turns a file's content into an object, or throws.
   *
   * @throws {FencelineError} `STATE_UNREADABLE`, naming the file
   */
  async load(check: (value: unknown, key: FolderKey) => T): Promise<void> {
    await removeUnfinished(this.#folder);
    for (const key of this.#keysOnDisk()) {
      const path = this.#path(key);
      try {
        this.#objects.set(path, { key, value: check(parse(readFileSync(path, "utf8")), key) });
      } catch (cause) {
        const message = cause instanceof Error ? cause.message : String(cause);
        throw new FencelineError("STATE_UNREADABLE", {
          at: { file: path },
          message,
          hint: "Fenceline wrote this file; mend it or delete it",
          cause,
        });
      }
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
    const text = `# ${this.#heading}\n${stringify(value, { aliasDuplicateObjects: false, lineWidth: 0 })}`;
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

  #keysOnDisk(): FolderKey[] {
    return listFolder(this.#folder).flatMap((namespace) =>
      listFolder(join(this.#folder, namespace)).flatMap((file) => {
        const [, kind, name] = FILE_NAME.exec(file) ?? [];
        return kind === undefined || name === undefined ? [] : [{ kind, namespace, name }];
      }),
    );
  }
}

function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return [];
    throw error;
  }
}
