import { join } from "node:path";
import {
  type AnyObject,
  type FencelineError,
  MESH_KINDS,
  type ObjectRef,
  OWN_KINDS,
  type OwnKind,
  type ReadKind,
  type RenderedObject,
  refText,
} from "@fenceline/api";
import type { Change, Obstacle } from "../change.ts";
import { isNothing } from "../pending-changes.ts";
import type { ForeignObject, MeshChanges, MeshSnapshot, Store } from "../store.ts";
import { FolderMesh } from "./folder-mesh.ts";
import { folderObstacle } from "./folder-obstacle.ts";
import { ManifestFolder } from "./manifest-folder.ts";
import { type FolderKey, ObjectFolder, type Reading } from "./object-folder.ts";
import { contentOfOwned, type OwnedObject, readOwned } from "./owned-object.ts";

/** Settings of a {@link DirectoryStore}. */
export interface DirectoryStoreOptions {
  /**
   * Folder with the manifests. It is made when it is not there. `state/` and `rendered/` in it are
   * ours.
   */
  readonly folder: string;
  /** Kinds of ours. Default: {@link OWN_KINDS}. */
  readonly kinds?: readonly OwnKind[];
  /**
   * Called for every manifest file that is not valid after the start.
   * @param kept whether what it held before stays in force
   */
  readonly onRefused: (error: FencelineError, kept: boolean) => void;
  /**
   * Called for every manifest file that came into force after the start, with the number of objects
   * in it.
   */
  readonly onTaken?: (file: string, objects: number) => void;
  /**
   * Called for what is left alone: other kinds, kustomizations, objects without a name, folders.
   */
  readonly onIgnored?: (file: string, reason: string, count: number) => void;
  /**
   * Called for every file of `state/` and `rendered/`, and every `status` in a manifest, that could
   * be read in part only or not at all: `STATE_UNREADABLE` and `STATUS_PARTLY_UNREADABLE`. Default:
   * `onRefused`.
   */
  readonly onTrouble?: (error: FencelineError) => void;
}

/**
 * A mesh in a folder: manifests in `*.yaml`, what was learned in `state/`, what was rendered in
 * `rendered/`.
 *
 * The state of a fence wins over a `status` in its manifest, which counts only until the fence has
 * a state of its own: that is how a fence exported from a cluster brings along what it had learned.
 */
export class DirectoryStore implements Store {
  readonly #manifests: ManifestFolder;
  readonly #state: ObjectFolder<object>;
  readonly #rendered: ObjectFolder<OwnedObject>;
  readonly #mesh: FolderMesh;
  readonly #listeners = new Set<(changes: MeshChanges) => void>();

  private constructor(options: DirectoryStoreOptions) {
    const { folder, kinds = OWN_KINDS, onRefused, onTaken = () => {}, onIgnored = () => {} } = options;
    // What the kinds of a table have in common is that they give objects.
    const manifests = [...MESH_KINDS, ...kinds] as readonly ReadKind<unknown>[] as readonly ReadKind<AnyObject>[];
    this.#manifests = new ManifestFolder(folder, manifests, {
      changed: () => this.#refresh(),
      refused: onRefused,
      leftOut: (error) => troubleOf(options)(error),
      taken: onTaken,
      ignored: onIgnored,
    });
    this.#mesh = new FolderMesh((of) => this.#state.get(of));
    this.#state = new ObjectFolder(join(folder, "state"), "What Fenceline learned. Written by Fenceline; delete it to forget.", {
      durable: true,
    });
    // What was rendered can be rendered again from the state, so it need not wait for the disk.
    this.#rendered = new ObjectFolder(join(folder, "rendered"), "Rendered by Fenceline from its ServiceFence; edits are overwritten.", {
      durable: false,
      contentOf: contentOfOwned,
    });
  }

  /**
   * Opens a folder and begins to watch it.
   *
   * A state file that is not valid is no error: what is readable of it counts, and `onTrouble` is
   * told.
   *
   * @throws {FencelineError} when a manifest is not valid
   */
  static async open(options: DirectoryStoreOptions): Promise<DirectoryStore> {
    const store = new DirectoryStore(options);
    const onTrouble = troubleOf(options);
    await store.#state.load(stateReader(options.kinds ?? OWN_KINDS), onTrouble);
    await store.#rendered.load(readOwned, onTrouble);
    await store.#manifests.open();
    store.#mesh.read(store.#manifests.objects());
    store.#mesh.takeChanges();
    return store;
  }

  snapshot(): MeshSnapshot {
    return this.#mesh.snapshot();
  }

  objectsOf<O>(kind: OwnKind<O>): readonly O[] {
    return this.#mesh.objectsOf(kind.name) as readonly O[];
  }

  onChange(listener: (changes: MeshChanges) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  ownedBy(owner: ObjectRef): readonly RenderedObject[] {
    const id = refText(owner);
    return this.#rendered.entries().flatMap(({ value }) => (refText(value.owner) === id ? [value.object] : []));
  }

  owners(kind: string): readonly ObjectRef[] {
    const owners = [...this.#rendered.entries().map(({ value }) => value.owner), ...this.#state.entries().map(({ key }) => key)];
    return owners.filter((owner) => owner.kind === kind);
  }

  /** Nobody else writes into the folder of what is rendered. */
  foreign(): readonly ForeignObject[] {
    return [];
  }

  async apply(change: Change): Promise<Obstacle | undefined> {
    const { namespace, name } = change.action === "delete" ? change.object : change.object.metadata;
    const key = { kind: change.object.kind, namespace, name };
    return write(key, () =>
      change.action === "delete" ? this.#rendered.delete(key) : this.#rendered.put(key, { owner: change.owner, object: change.object }),
    );
  }

  async writeStatus({ kind, namespace, name }: ObjectRef, status: object): Promise<Obstacle | undefined> {
    const key = { kind, namespace, name };
    return write(key, async () => {
      await this.#state.put(key, status);
      this.#mesh.stateWritten(key);
    });
  }

  async deleteStatus({ kind, namespace, name }: ObjectRef): Promise<void> {
    await this.#state.delete({ kind, namespace, name });
  }

  /** A folder is read as a whole: there is nothing else. */
  isCertain(): boolean {
    return true;
  }

  async close(): Promise<void> {
    await this.#manifests.close();
  }

  #refresh(): void {
    this.#mesh.read(this.#manifests.objects());
    const changes = this.#mesh.takeChanges();
    if (isNothing(changes)) return;
    for (const listener of this.#listeners) listener(changes);
  }
}

/** Whom to tell of what is readable in part. */
function troubleOf({ onTrouble, onRefused }: DirectoryStoreOptions): (error: FencelineError) => void {
  return onTrouble ?? ((error) => onRefused(error, true));
}

async function write(place: Pick<Obstacle, "kind" | "namespace" | "name">, run: () => Promise<void>): Promise<Obstacle | undefined> {
  try {
    await run();
    return undefined;
  } catch (error) {
    const obstacle = folderObstacle(error, place);
    if (obstacle === undefined) throw error;
    return obstacle;
  }
}

/** Reads a state as the status of its kind. What is of no kind of ours is not looked into. */
function stateReader(kinds: readonly OwnKind[]): (content: unknown, key: FolderKey) => Reading<object> {
  return (content, key) => {
    const kind = kinds.find(({ name }) => name === key.kind);
    if (kind === undefined) return { value: content as object, leftOut: [] };
    const { status, ...parts } = kind.readStatus(content);
    return { value: parts.leftOut.includes("status") ? undefined : (status as object), ...parts };
  };
}
