import { type FencelineError, type ObjectRef, type RenderedKind, refText } from "@fenceline/api";
import { type Change, writtenBy } from "../change.ts";
import { type Conflict, ownedByAnother } from "../conflict.ts";
import { WritesUnderWay } from "../writes-under-way.ts";
import { type FolderKey, ObjectFolder } from "./object-folder.ts";
import { contentOfOwned, type OwnedObject, ownedReader } from "./owned-object.ts";

/** Rendered objects in a folder. What one owner has no other may write, as in a cluster. */
export class RenderedFolder {
  readonly #files: ObjectFolder<OwnedObject>;
  readonly #underWay = new WritesUnderWay();

  constructor(folder: string) {
    const heading = ({ owner }: OwnedObject) => `Rendered by Fenceline from its ${owner.kind}; edits are overwritten.`;
    // What was rendered can be rendered again from the state, so it need not wait for the disk.
    this.#files = new ObjectFolder(folder, heading, { durable: false, contentOf: contentOfOwned });
  }

  /** See {@link ObjectFolder.load}. */
  load(kinds: readonly RenderedKind[], onTrouble: (error: FencelineError) => void): Promise<void> {
    return this.#files.load(ownedReader(kinds), onTrouble);
  }

  entries(): readonly { readonly key: FolderKey; readonly value: OwnedObject }[] {
    return this.#files.entries();
  }

  /** Carries out one change, unless the object is another owner's. Returns that conflict. */
  async apply(change: Change): Promise<Conflict | undefined> {
    const { owner } = change;
    const key = writtenBy(change);
    const conflict = this.#underWay.conflictOf(key, owner) ?? this.#conflictOf(key, owner);
    if (conflict !== undefined) return conflict;
    await this.#underWay.during(key, owner, () =>
      change.action === "delete" ? this.#files.delete(key) : this.#files.put(key, { owner, object: change.object }),
    );
    return undefined;
  }

  #conflictOf(key: ObjectRef, owner: ObjectRef): Conflict | undefined {
    const holder = this.#files.get(key)?.owner;
    return holder === undefined || refText(holder) === refText(owner) ? undefined : ownedByAnother(key, holder, owner);
  }
}
