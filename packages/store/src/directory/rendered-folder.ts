import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { type FencelineError, type ObjectRef, type RenderedKind, type RenderedObject, refText } from "@fenceline/api";
import { type Change, writtenBy } from "../change.ts";
import { type Conflict, conflictWith } from "../conflict.ts";
import { WritesUnderWay } from "../writes-under-way.ts";
import { fileName } from "./file-name.ts";
import { FolderWatch } from "./folder-watch.ts";
import { ObjectFolder } from "./object-folder.ts";
import { contentOfOwned, nameOfOwned, type OwnedObject, ownedReader } from "./owned-object.ts";

/** Events of a {@link RenderedFolder}. */
export interface RenderedFolderListener {
  /** A file that somebody else changed was restored. */
  restored(file: string): void;
  /**
   * A file holds another object than was written, or is gone, and cannot be written again; or it
   * was restored after that.
   */
  changed(key: ObjectRef, owner: ObjectRef, object: RenderedObject | undefined): void;
}

/** Rendered objects in a folder. As in a cluster, an owner cannot write the objects of another. */
export class RenderedFolder {
  readonly #files: ObjectFolder<OwnedObject>;
  readonly #folder: string;
  readonly #underWay = new WritesUnderWay();
  readonly #watch: FolderWatch;

  /** What the file holds instead of what was written, where it cannot be replaced now. */
  readonly #otherwise = new Map<string, RenderedObject | undefined>();
  readonly #listener: RenderedFolderListener;
  #read: ReturnType<typeof ownedReader> = ownedReader([]);

  constructor(folder: string, listener: RenderedFolderListener) {
    this.#folder = folder;
    this.#listener = listener;
    this.#files = new ObjectFolder(folder, {
      // What was rendered can be rendered again from the state, so it need not wait for the disk.
      durable: false,
      isDerived: true,
      heading: ({ owner }) => `Rendered by Fenceline from its ${owner.kind}; edits are overwritten.`,
      contentOf: contentOfOwned,
      nameIn: nameOfOwned,
    });
    this.#watch = new FolderWatch(folder, this.#files, (key) => this.#lookAt(key));
  }

  /** See {@link ObjectFolder.load}. */
  load(kinds: readonly RenderedKind[], onTrouble: (error: FencelineError) => void): Promise<void> {
    this.#read = ownedReader(kinds);
    return this.#files.load(this.#read, onTrouble);
  }

  /** From now on each file that somebody else changes is written again. */
  watch(): void {
    this.#watch.start();
  }

  async close(): Promise<void> {
    await this.#watch.close();
    await this.#files.idle();
  }

  entries(): readonly { readonly key: ObjectRef; readonly value: OwnedObject }[] {
    return this.#files.entries();
  }

  /** Carries out one change, unless the object belongs to another owner. Returns that conflict. */
  async apply(change: Change): Promise<Conflict | undefined> {
    const { owner } = change;
    const key = writtenBy(change);
    const conflict = this.#underWay.conflictOf(key, owner) ?? conflictWith(key, this.#files.get(key)?.owner, owner);
    if (conflict !== undefined) return conflict;
    await this.#underWay.during(key, owner, async () => {
      if (change.action === "delete") await this.#files.delete(key);
      else await this.#files.put(key, { owner, object: change.object });
    });
    this.#otherwise.delete(refText(key));
    this.#watch.follow(key.namespace);
    return undefined;
  }

  /** The content is derived. Whoever applies the files should find what was rendered. */
  async #lookAt(key: ObjectRef): Promise<void> {
    let isRestored: boolean;
    try {
      isRestored = await this.#files.restore(key);
    } catch {
      // The folder cannot be written now. It is looked at again. The owner tries again too, and
      // reports what stands in the way.
      await this.#cannotRestore(key);
      return;
    }
    this.#isWhole(key);
    if (isRestored) this.#listener.restored(join(this.#folder, key.namespace, fileName(key)));
  }

  #isWhole(key: ObjectRef): void {
    const kept = this.#files.get(key);
    if (this.#otherwise.delete(refText(key)) && kept !== undefined) this.#listener.changed(key, kept.owner, kept.object);
  }

  async #cannotRestore(key: ObjectRef): Promise<void> {
    const there = (await this.#files.found(key, this.#read))?.object;
    const kept = this.#files.get(key);
    const id = refText(key);
    if (kept === undefined || (this.#otherwise.has(id) && isDeepStrictEqual(this.#otherwise.get(id), there))) return;
    this.#otherwise.set(id, there);
    this.#listener.changed(key, kept.owner, there);
  }
}
