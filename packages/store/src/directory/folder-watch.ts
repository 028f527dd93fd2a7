import { type FSWatcher, statSync, watch } from "node:fs";
import { join } from "node:path";
import type { ObjectRef } from "@fenceline/api";
import type { ObjectFolder } from "./object-folder.ts";

/** Milliseconds to wait, since one change on disk causes several events. */
const SETTLE_MS = 50;
/** How often everything is looked at, in milliseconds: not every file system sends events. */
const LOOK_MS = 30_000;

interface Watched {
  readonly watcher: FSWatcher;
  /** A watch follows a folder that is moved away. */
  readonly inode: number;
}

/**
 * Looks at files of objects that somebody else may have changed or removed, as soon as the file
 * system tells of it.
 */
export class FolderWatch {
  readonly #folder: string;
  readonly #objects: Pick<ObjectFolder<unknown>, "entries" | "keyAt">;
  readonly #look: (key: ObjectRef) => Promise<void>;
  readonly #watched = new Map<string, Watched>();
  /** Files to look at, by namespace; undefined for all of a namespace. */
  #changed = new Map<string, Set<string> | undefined>();
  #settle: NodeJS.Timeout | undefined;
  #round: NodeJS.Timeout | undefined;
  #working: Promise<void> = Promise.resolve();
  #isClosed = false;

  /** @param look at an object's file, which may be unchanged. It is called again if it rejects */
  constructor(folder: string, objects: Pick<ObjectFolder<unknown>, "entries" | "keyAt">, look: (key: ObjectRef) => Promise<void>) {
    this.#folder = folder;
    this.#objects = objects;
    this.#look = look;
  }

  /** Begins with the folders that exist. */
  start(): void {
    this.#round = setInterval(() => this.#noticeAll(), LOOK_MS).unref();
    this.#noticeAll();
  }

  /** An object of the namespace was written. */
  follow(namespace: string): void {
    if (this.#isClosed) return;
    this.#watch(this.#folder, () => this.#noticeAll());
    this.#watch(join(this.#folder, namespace), (file) => this.#notice(namespace, file));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#round);
    clearTimeout(this.#settle);
    for (const { watcher } of this.#watched.values()) watcher.close();
    await this.#working;
  }

  #noticeAll(): void {
    for (const { key } of this.#objects.entries()) this.#notice(key.namespace, undefined);
  }

  #notice(namespace: string, file: string | undefined): void {
    const files = this.#changed.has(namespace) ? this.#changed.get(namespace) : new Set<string>();
    if (file !== undefined) files?.add(file);
    this.#changed.set(namespace, file === undefined ? undefined : files);
    if (this.#isClosed || this.#settle !== undefined) return;
    this.#settle = setTimeout(() => {
      this.#settle = undefined;
      this.#working = this.#working.then(() => this.#lookAtChanged());
    }, SETTLE_MS).unref();
  }

  async #lookAtChanged(): Promise<void> {
    const changed = this.#changed;
    this.#changed = new Map();
    const all = [...changed.values()].includes(undefined) ? this.#objects.entries() : [];
    for (const [namespace, files] of changed) {
      const keys =
        files === undefined
          ? all.flatMap(({ key }) => (key.namespace === namespace ? [key] : []))
          : [...files].flatMap((file) => this.#objects.keyAt(namespace, file) ?? []);
      for (const key of keys) await this.#lookAt(key);
      if (keys.length > 0) this.follow(namespace);
    }
  }

  async #lookAt(key: ObjectRef): Promise<void> {
    try {
      await this.#look(key);
    } catch {
      // The folder cannot be read or written now. It is looked at again, and the next write reports
      // what stands in the way.
    }
  }

  #watch(folder: string, onChange: (file: string | undefined) => void): void {
    try {
      const { ino } = statSync(folder);
      const before = this.#watched.get(folder);
      if (before?.inode === ino) return;
      before?.watcher.close();
      const watcher = watch(folder, (_event, file) => onChange(file ?? undefined));
      watcher.on("error", () => onChange(undefined));
      watcher.unref();
      this.#watched.set(folder, { watcher, inode: ino });
    } catch {
      // The folder does not exist, or the user has no watch left (ENOSPC, EMFILE). It is looked at
      // now and then anyway.
      this.#watched.get(folder)?.watcher.close();
      this.#watched.delete(folder);
    }
  }
}
