import { type FSWatcher, statSync, watch } from "node:fs";
import { join } from "node:path";
import type { ObjectRef } from "@fenceline/api";
import type { ObjectFolder } from "./object-folder.ts";

/** Milliseconds to wait, since one change on disk causes several notices. */
const SETTLE_MS = 50;
/** How often everything is looked at, in milliseconds: not every file system gives notice. */
const LOOK_MS = 30_000;

interface Watched {
  readonly watcher: FSWatcher;
  /** A watch stays with a folder that is moved away. */
  readonly inode: number;
}

/** What a {@link RenderedWatch} tells of an object's file. */
export interface RenderedWatchListener {
  /** Somebody else changed it, and it is as before again. */
  restored(key: ObjectRef): void;
  /** It is as it was written. */
  isWhole(key: ObjectRef): void;
  /** It is not, and cannot be written again now. */
  cannotRestore(key: ObjectRef): Promise<void>;
}

/**
 * Writes rendered files again that somebody else changed or removed, as soon as the file system
 * gives notice. They are derived, and whoever applies them should find what is meant.
 */
export class RenderedWatch {
  readonly #folder: string;
  readonly #objects: Pick<ObjectFolder<unknown>, "entries" | "keyAt" | "restore">;
  readonly #listener: RenderedWatchListener;
  readonly #watched = new Map<string, Watched>();
  /** Files to look at, by namespace; undefined for all of one. */
  #changed = new Map<string, Set<string> | undefined>();
  #settle: NodeJS.Timeout | undefined;
  #look: NodeJS.Timeout | undefined;
  #working: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(folder: string, objects: Pick<ObjectFolder<unknown>, "entries" | "keyAt" | "restore">, listener: RenderedWatchListener) {
    this.#folder = folder;
    this.#objects = objects;
    this.#listener = listener;
  }

  /** Begins with what is there. */
  start(): void {
    this.#look = setInterval(() => this.#noticeAll(), LOOK_MS).unref();
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
    clearInterval(this.#look);
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
      this.#working = this.#working.then(() => this.#restore());
    }, SETTLE_MS).unref();
  }

  async #restore(): Promise<void> {
    const changed = this.#changed;
    this.#changed = new Map();
    const all = [...changed.values()].includes(undefined) ? this.#objects.entries() : [];
    for (const [namespace, files] of changed) {
      const keys =
        files === undefined
          ? all.flatMap(({ key }) => (key.namespace === namespace ? [key] : []))
          : [...files].flatMap((file) => this.#objects.keyAt(namespace, file) ?? []);
      for (const key of keys) await this.#restoreOne(key);
      if (keys.length > 0) this.follow(namespace);
    }
  }

  async #restoreOne(key: ObjectRef): Promise<void> {
    let isRestored: boolean;
    try {
      isRestored = await this.#objects.restore(key);
    } catch {
      // The folder cannot be written now. It is looked at again, and whoever has the object tries
      // again too, and tells what stands in the way.
      await this.#listener.cannotRestore(key);
      return;
    }
    this.#listener.isWhole(key);
    if (isRestored) this.#listener.restored(key);
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
      // It is not there, or the user has no watch left (ENOSPC, EMFILE): it is looked at now and
      // then anyway.
      this.#watched.get(folder)?.watcher.close();
      this.#watched.delete(folder);
    }
  }
}
