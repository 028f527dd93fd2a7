import { join } from "node:path";
import {
  type AnyObject,
  describeObject,
  type FencelineError,
  type Kind,
  MESH_KINDS,
  type MeshKind,
  manifestKinds,
  type ObjectChange,
  type ObjectRef,
  OWN_KINDS,
  type OwnKind,
  type OwnObject,
  objectOf,
  RENDERED_KINDS,
  type ReadKind,
  type RenderedKind,
  type RenderedObject,
  refOf,
  refText,
  type SpecFault,
} from "@fenceline/api";
import type { ObjectKey } from "@fenceline/kubernetes";
import type { StateWatcher } from "../capabilities.ts";
import { type Change, type Obstacle, writtenBy } from "../change.ts";
import { conflictObstacle } from "../conflict.ts";
import { OwnedObjects } from "../owned-objects.ts";
import { meshChanges } from "../pending-changes.ts";
import type { ForeignObject, MeshChanges, MeshSnapshot, Store } from "../store.ts";
import { FolderMesh } from "./folder-mesh.ts";
import { folderObstacle } from "./folder-obstacle.ts";
import { ManifestFaults } from "./manifest-faults.ts";
import { ManifestFolder } from "./manifest-folder.ts";
import { RenderedFolder } from "./rendered-folder.ts";
import { StateFolder } from "./state-folder.ts";

/** Settings of a {@link DirectoryStore}. */
export interface DirectoryStoreOptions {
  /**
   * Folder with the manifests. It is made when it does not exist. `state/` and `rendered/` in it
   * are ours.
   */
  readonly folder: string;
  /** Kinds of ours. Default: {@link OWN_KINDS}. */
  readonly kinds?: readonly OwnKind[];
  /** Kinds that are read only. Default: {@link MESH_KINDS}. */
  readonly mesh?: readonly MeshKind[];
  /** Kinds that are rendered. Default: {@link RENDERED_KINDS}. */
  readonly rendered?: readonly RenderedKind[];
  /**
   * Called for every manifest file that becomes invalid after the start.
   * @param kept whether its former content stays in force
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
   * Called for every file of `state/` and `rendered/`, and for every `status` in a manifest, that
   * can be read only in part or not at all: `STATE_UNREADABLE` and `STATUS_PARTLY_UNREADABLE`.
   * Default: `onRefused`.
   */
  readonly onTrouble?: (error: FencelineError) => void;
  /** Called for every rendered file that somebody else changed, after it was restored. */
  readonly onRestored?: (file: string) => void;
  /**
   * How long the state of an object that was deleted is kept, in milliseconds; 0 keeps none.
   * Default: a day.
   */
  readonly keepDeleted?: number;
}

const DAY = 86_400_000;

/**
 * A mesh in a folder: manifests in `*.yaml`, what was learned in `state/`, what was rendered in
 * `rendered/`.
 *
 * The state of an object wins over a `status` in its manifest, which counts only until there is a
 * state: so an object that was exported from a cluster keeps what it had learned.
 */
export class DirectoryStore implements Store {
  readonly states: StateWatcher;
  readonly #manifests: ManifestFolder;
  readonly #state: StateFolder;
  readonly #rendered: RenderedFolder;
  readonly #mesh: FolderMesh;
  /**
   * What is rendered for each owner. The value is undefined for a state, and for a rendered object
   * that is gone and cannot be written again.
   */
  readonly #owned: OwnedObjects<RenderedObject | undefined>;
  readonly #own: readonly OwnKind<OwnObject>[];
  /** In the order in which they are applied. */
  readonly #kinds: readonly RenderedKind[];
  readonly #faults: ManifestFaults;
  readonly #listeners = new Set<(changes: MeshChanges) => void>();

  private constructor(options: DirectoryStoreOptions) {
    const { folder, kinds = OWN_KINDS, mesh = MESH_KINDS, rendered = RENDERED_KINDS } = options;
    const { onRefused, onTaken = () => {}, onIgnored = () => {} } = options;
    this.#own = kinds as readonly OwnKind<OwnObject>[];
    this.#kinds = rendered;
    this.#faults = new ManifestFaults(kinds);
    // The kinds of a table have different objects. Here it counts only that they are objects.
    const manifests = manifestKinds(mesh, kinds) as readonly ReadKind<AnyObject>[];
    this.#manifests = new ManifestFolder(folder, manifests, {
      changed: () => this.#refresh(),
      refused: onRefused,
      faults: (errors) => this.#tell({ faults: this.#faults.take(errors) }),
      leftOut: (error) => troubleOf(options)(error),
      taken: onTaken,
      ignored: onIgnored,
    });
    this.#mesh = new FolderMesh(new Set(kinds.map(({ name }) => name)), (of) => this.#state.get(of));
    this.#owned = new OwnedObjects((owner) => this.#mesh.objectOf(owner) !== undefined);
    this.#state = new StateFolder(join(folder, "state"), { keepFor: options.keepDeleted ?? DAY });
    this.states = this.#state;
    this.#rendered = new RenderedFolder(join(folder, "rendered"), {
      restored: options.onRestored ?? (() => {}),
      changed: (key, owner, object) => {
        this.#owned.set(owner, key, object);
        this.#tell({ disturbed: [owner] });
      },
    });
  }

  /**
   * Opens a folder and begins to watch it.
   *
   * A state file that is not valid is no error: its readable part counts, and `onTrouble` is
   * called.
   *
   * @throws {FencelineError} when a manifest is not valid
   */
  static async open(options: DirectoryStoreOptions): Promise<DirectoryStore> {
    const store = new DirectoryStore(options);
    const onTrouble = troubleOf(options);
    await store.#state.load(options.kinds ?? OWN_KINDS, onTrouble);
    await store.#rendered.load(options.rendered ?? RENDERED_KINDS, onTrouble);
    await store.#state.findDeleted(store.#rendered.entries().map(({ value }) => value.owner));
    await store.#manifests.open((objects) => store.#misses(objects));
    store.#mesh.read(store.#manifests.objects());
    store.#mesh.takeChanges();
    for (const object of store.#own.flatMap((kind) => store.snapshot().of(kind))) store.#state.adopt(refOf(object.kind, object));
    for (const key of store.#state.owners()) store.#owned.set(key, key, undefined);
    for (const { key, value } of store.#rendered.entries()) store.#owned.set(value.owner, key, value.object);
    store.#rendered.watch();
    store.#state.watch();
    return store;
  }

  snapshot(): MeshSnapshot {
    return this.#mesh.snapshot();
  }

  objectOf<O>({ name: kind }: ReadKind<O>, { namespace, name }: ObjectKey): O | undefined {
    return this.#mesh.objectOf({ kind, namespace, name }) as O | undefined;
  }

  onChange(listener: (changes: MeshChanges) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  ownedBy(owner: ObjectRef): readonly RenderedObject[] {
    const objects = this.#owned.of(owner);
    return this.#kinds.flatMap(({ name }) => objects.filter((object) => object?.kind === name)).filter((object) => object !== undefined);
  }

  goneOwners(kind: Kind): readonly ObjectRef[] {
    return this.#manifests.doubtsAbsence ? [] : this.#owned.gone(kind);
  }

  faultOf(of: ObjectRef): SpecFault | undefined {
    const message = this.#faults.messageOf(of);
    const kind = this.#own.find(({ name }) => name === of.kind);
    if (message === undefined || kind === undefined) return undefined;
    const object = this.#mesh.objectOf(of) as OwnObject | undefined;
    const { status } = kind.readStatus(this.#state.get(of) ?? object?.status);
    return { message, generation: undefined, status: status as object };
  }

  faulty(kind: Kind): readonly ObjectRef[] {
    return this.#faults.of(kind);
  }

  /** Nobody else writes into the folder with rendered objects. */
  foreign(): readonly ForeignObject[] {
    return [];
  }

  /** A file may hold every kind. */
  unread(): undefined {
    return undefined;
  }

  async apply(change: Change): Promise<Obstacle | undefined> {
    const key = writtenBy(change);
    const { owner } = change;
    return write(key, async () => {
      await this.#stateFirst(owner);
      const conflict = await this.#rendered.apply(change);
      if (conflict !== undefined) return conflictObstacle(conflict, owner, this.#own);
      if (change.action === "delete") this.#owned.delete(owner, key);
      else this.#owned.set(owner, key, change.object);
      return undefined;
    });
  }

  async writeStatus({ kind, namespace, name }: ObjectRef, status: object): Promise<Obstacle | undefined> {
    const key = { kind, namespace, name };
    return write(key, async () => {
      await this.#state.put(key, status);
      this.#owned.set(key, key, undefined);
      this.#mesh.stateWritten(key);
      return undefined;
    });
  }

  async deleteStatus({ kind, namespace, name }: ObjectRef): Promise<void> {
    const key = { kind, namespace, name };
    await this.#state.delete(key);
    this.#owned.delete(key, key);
  }

  /** A folder is read as a whole, so everything in it is known. */
  isKnown(): boolean {
    return true;
  }

  async close(): Promise<void> {
    await this.#manifests.close();
    await this.#rendered.close();
    await this.#state.close();
  }

  /** Rendered objects without a state mean that somebody deleted the state: it is written first. */
  async #stateFirst(owner: ObjectRef): Promise<void> {
    const object = this.#mesh.objectOf(owner) as OwnObject | undefined;
    if (object !== undefined && this.#state.get(owner) === undefined) await this.#state.put(owner, object.status ?? {});
  }

  /** Whether an object is missing for which an earlier run left a state or rendered objects. */
  #misses(objects: readonly AnyObject[]): boolean {
    const present = new Set(objects.map(describeObject));
    const owners = [...this.#state.owners(), ...this.#rendered.entries().map(({ value }) => value.owner)];
    return owners.some((owner) => !present.has(refText(owner)));
  }

  #refresh(): void {
    this.#mesh.read(this.#manifests.objects());
    this.#tell({});
  }

  #tell(besides: Partial<Pick<MeshChanges, "faults" | "disturbed">>): void {
    const changes = meshChanges({ ...NOTHING_ELSE, ...besides }, this.#mesh.takeChanges());
    if (changes === undefined) return;
    for (const kind of this.#own) for (const change of changes.of(kind)) this.#ownerChanged(change);
    for (const listener of this.#listeners) listener(changes);
  }

  #ownerChanged(change: ObjectChange<OwnObject>): void {
    const object = objectOf(change);
    if (object === undefined) return;
    const of = refOf(object.kind, object);
    if (change.before === undefined && change.after !== undefined && this.#state.adopt(of)) this.#owned.set(of, of, undefined);
    this.#owned.ownerChanged(of);
  }
}

/** What a folder never has. */
const NOTHING_ELSE = { defaultSidecars: [], meshConfigs: [], disturbed: [], faults: [], foreign: [] };

/** Whom to tell about a file that is readable only in part. */
function troubleOf({ onTrouble, onRefused }: DirectoryStoreOptions): (error: FencelineError) => void {
  return onTrouble ?? ((error) => onRefused(error, true));
}

/** Carries out a write. Returns what stands in its way, including errors of the file system. */
async function write(
  place: Pick<Obstacle, "kind" | "namespace" | "name">,
  run: () => Promise<Obstacle | undefined>,
): Promise<Obstacle | undefined> {
  try {
    return await run();
  } catch (error) {
    const obstacle = folderObstacle(error, place);
    if (obstacle === undefined) throw error;
    return obstacle;
  }
}
