import { join } from "node:path";
import type { FencelineError, ObjectRef, RenderedKind } from "@fenceline/api";
import { type Change, writtenBy } from "../change.ts";
import { type Conflict, conflictWith } from "../conflict.ts";
import { WritesUnderWay } from "../writes-under-way.ts";
import { fileName } from "./file-name.ts";
import { ObjectFolder } from "./object-folder.ts";
import { contentOfOwned, nameOfOwned, type OwnedObject, ownedReader } from "./owned-object.ts";
import { RenderedWatch } from "./rendered-watch.ts";

/** Rendered objects in a folder. What one owner has no other may write, as in a cluster. */
export class RenderedFolder {
  readonly #files: ObjectFolder<OwnedObject>;
  readonly #underWay = new WritesUnderWay();
  readonly #watch: RenderedWatch;

  /**
   * @param onRestored called for every file that somebody else changed, and that is as before again
   */
  constructor(folder: string, onRestored: (file: string) => void) {
    this.#files = new ObjectFolder(folder, {
      // What was rendered can be rendered again from the state, so it need not wait for the disk.
      durable: false,
      isDerived: true,
      heading: ({ owner }) => `Rendered by Fenceline from its ${owner.kind}; edits are overwritten.`,
      contentOf: contentOfOwned,
      nameIn: nameOfOwned,
    });
    this.#watch = new RenderedWatch(folder, this.#files, (key) => onRestored(join(folder, key.namespace, fileName(key))));
  }

  /** See {@link ObjectFolder.load}. */
  load(kinds: readonly RenderedKind[], onTrouble: (error: FencelineError) => void): Promise<void> {
    return this.#files.load(ownedReader(kinds), onTrouble);
  }

  /** From now on each file is written again that somebody else changes. */
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

  /** Carries out one change, unless the object is another owner's. Returns that conflict. */
  async apply(change: Change): Promise<Conflict | undefined> {
    const { owner } = change;
    const key = writtenBy(change);
    const conflict = this.#underWay.conflictOf(key, owner) ?? conflictWith(key, this.#files.get(key)?.owner, owner);
    if (conflict !== undefined) return conflict;
    await this.#underWay.during(key, owner, () =>
      change.action === "delete" ? this.#files.delete(key) : this.#files.put(key, { owner, object: change.object }),
    );
    this.#watch.follow(key.namespace);
    return undefined;
  }
}
