import { type FencelineError, isJsonObject, LONGEST_TIMER, type ObjectRef, type OwnKind, refText } from "@fenceline/api";
import { FolderWatch } from "./folder-watch.ts";
import { ObjectFolder, type Reading } from "./object-folder.ts";

/** The status of an object of ours, and since when the object is gone. */
interface State {
  readonly status: object;
  /** Milliseconds of the wall clock; undefined while the object exists. */
  readonly deletedAt?: number;
}

/** How long, and how much of, the state of deleted objects is kept. */
export interface StateFolderOptions {
  /** Milliseconds; 0 keeps none. */
  readonly keepFor: number;
  readonly most?: number;
  /** Characters of their files. */
  readonly mostText?: number;
  /** Milliseconds of the wall clock. Default `Date.now`. */
  readonly now?: () => number;
  /** Milliseconds of a clock that never goes back. Default `performance.now`. */
  readonly clock?: () => number;
}

/** Most states of deleted objects, and most characters of all their files. */
const MOST_KEPT = 1_000;
const MOST_TEXT = 64 * 1024 * 1024;

/**
 * What was learned for each object of ours. The state outlives its object by a grace period, even
 * over a restart: a manifest that is deleted and applied again, or mistyped, loses nothing. When
 * there are too many such states, the one deleted first is removed.
 *
 * If somebody deletes a file while this runs, that is a request to forget, even within the grace
 * period. If somebody damages a file, it is not: the state stays, and is written again.
 */
export class StateFolder {
  readonly #folder: ObjectFolder<State>;
  readonly #options: Required<StateFolderOptions>;
  /** Deleted objects and when their states are forgotten, the one deleted first in front. */
  readonly #kept = new Map<string, { readonly key: ObjectRef; readonly until: number }>();
  readonly #watch: FolderWatch;
  readonly #listeners = new Set<(of: ObjectRef) => void>();
  /** Existing objects whose file somebody deleted, until they are written again. */
  readonly #told = new Set<string>();
  /** Objects whose file somebody deleted before the start. */
  readonly #deleted = new Set<string>();
  #kinds: readonly OwnKind[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(folder: string, options: StateFolderOptions) {
    const { keepFor, most = MOST_KEPT, mostText = MOST_TEXT, now = Date.now, clock = () => performance.now() } = options;
    this.#options = { keepFor, most, mostText, now, clock };
    this.#folder = new ObjectFolder(folder, {
      durable: true,
      heading: ({ deletedAt }) =>
        `What Fenceline learned. Written by Fenceline; delete it to forget.${deletedAt === undefined ? "" : " Its object was deleted."}`,
      contentOf: ({ status, deletedAt }, { name }) => ({
        ...(deletedAt !== undefined && { deletedAt: new Date(deletedAt).toISOString() }),
        // The name of the file may be shortened.
        objectName: name,
        ...status,
      }),
      nameIn: (content) => (content as { readonly objectName?: unknown } | undefined)?.objectName,
    });
    this.#watch = new FolderWatch(folder, this.#folder, (key) => this.#lookAt(key));
  }

  /** From now on the deletion of a file is noticed. */
  watch(): void {
    this.#watch.start();
  }

  /**
   * Finds the objects for which something is rendered, but whose state is gone.
   *
   * A state is written before anything is rendered, so somebody deleted it. Not where the folder of
   * the namespace is gone as well: `rendered/` may have been copied, or cloned, without it.
   *
   * @param rendered objects for which something is rendered
   */
  async findDeleted(rendered: readonly ObjectRef[]): Promise<void> {
    for (const of of rendered) if (await this.#folder.lacks(of)) this.#deleted.add(refText(of));
  }

  /** Whether {@link findDeleted} found it, and nothing has been written for it since. */
  wasDeleted(of: ObjectRef): boolean {
    return this.#deleted.has(refText(of));
  }

  /**
   * Calls `listener` with each object whose file somebody deleted while something was learned for
   * it, until the returned function is called. If the object exists, the listener has to write a
   * status without what was learned: until then the state is as before. If the object was deleted,
   * its state is gone.
   */
  onDeleted(listener: (of: ObjectRef) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Reads the folder, as {@link ObjectFolder.load} does, and forgets what has been kept for too
   * long.
   */
  async load(kinds: readonly OwnKind[], onTrouble: (error: FencelineError) => void): Promise<void> {
    const { now, clock, keepFor } = this.#options;
    this.#kinds = kinds;
    await this.#folder.load(stateReader(kinds), onTrouble);
    const deleted = this.#folder
      .entries()
      .flatMap(({ key, value: { deletedAt } }) => (deletedAt === undefined ? [] : [{ key, deletedAt }]));
    // A time in the future came from a wrong clock: it counts as now.
    for (const { key, deletedAt } of deleted.sort((one, other) => one.deletedAt - other.deletedAt))
      this.#kept.set(refText(key), { key, until: clock() + keepFor - Math.max(0, now() - deletedAt) });
    await this.#forgetOld();
  }

  /** The status that is kept for an object. */
  get(of: ObjectRef): object | undefined {
    const kept = this.#kept.get(refText(of));
    return kept !== undefined && this.#isOver(kept) ? undefined : this.#folder.get(of)?.status;
  }

  /** Objects with a state, without those that are known to be deleted. */
  owners(): readonly ObjectRef[] {
    return this.#folder.entries().flatMap(({ key }) => (this.#kept.has(refText(key)) ? [] : [key]));
  }

  async put(of: ObjectRef, status: object): Promise<void> {
    const before = this.#folder.get(of);
    const wasDeleted = await this.#folder.put(of, { status });
    this.#kept.delete(refText(of));
    this.#deleted.delete(refText(of));
    this.#watch.follow(of.namespace);
    const isTold = this.#told.delete(refText(of));
    if (wasDeleted && !isTold && this.#holdsLearned(of, before)) this.#tell(of);
  }

  /** The object was deleted. If nothing was learned in its state, the state is removed too. */
  async delete(of: ObjectRef): Promise<void> {
    const { keepFor, now, clock } = this.#options;
    const state = this.#folder.get(of);
    if (state === undefined || this.#kept.has(refText(of))) return;
    const isForgotten = this.#holdsLearned(of, state) && (await this.#folder.isDeleted(of));
    if (isForgotten || !this.#holdsLearned(of, state)) {
      await this.#folder.delete(of);
      if (isForgotten) this.#tell(of);
      return;
    }
    this.#kept.set(refText(of), { key: of, until: clock() + keepFor });
    if (keepFor > 0) await this.#folder.put(of, { ...state, deletedAt: now() });
    await this.#forgetOld();
  }

  /**
   * An object exists, and may have been deleted before.
   *
   * @returns whether its state is known
   */
  adopt(of: ObjectRef): boolean {
    const status = this.get(of);
    // A later write waits for this one, so the newer state stays. If this write fails, the next one
    // makes up for it.
    if (status !== undefined && this.#kept.delete(refText(of))) this.put(of, status).catch(() => {});
    return status !== undefined;
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#watch.close();
    await this.#folder.idle();
  }

  async #lookAt(of: ObjectRef): Promise<void> {
    const id = refText(of);
    const state = this.#folder.get(of);
    if (state === undefined || this.#told.has(id) || !(await this.#folder.isDeleted(of))) return;
    if (this.#kept.delete(id)) await this.#folder.delete(of);
    else if (this.#holdsLearned(of, state)) this.#told.add(id);
    else {
      await this.#folder.put(of, state);
      return;
    }
    this.#tell(of);
  }

  #holdsLearned({ kind }: ObjectRef, state: State | undefined): boolean {
    return state !== undefined && this.#kinds.find(({ name }) => name === kind)?.holdsLearned?.(state.status) === true;
  }

  #tell(of: ObjectRef): void {
    for (const listener of this.#listeners) listener(of);
  }

  #isOver({ until }: { readonly until: number }): boolean {
    return this.#options.clock() >= until;
  }

  async #forgetOld(): Promise<void> {
    const { most, mostText, clock } = this.#options;
    let text = [...this.#kept.values()].reduce((sum, { key }) => sum + this.#folder.lengthOf(key), 0);
    for (const [id, kept] of this.#kept) {
      if (!this.#isOver(kept) && this.#kept.size <= most && text <= mostText) break;
      text -= this.#folder.lengthOf(kept.key);
      this.#kept.delete(id);
      await this.#folder.delete(kept.key);
    }
    clearTimeout(this.#timer);
    const [first] = this.#kept.values();
    if (first === undefined) return;
    const pause = Math.min(LONGEST_TIMER, Math.max(0, first.until - clock()));
    // If a file cannot be removed, it is tried again together with the next one.
    this.#timer = setTimeout(() => void this.#forgetOld().catch(() => {}), pause).unref();
  }
}

/** Reads a state as the status of its kind. A state of an unknown kind is kept as it is. */
function stateReader(kinds: readonly OwnKind[]): (content: unknown, key: ObjectRef) => Reading<State> {
  return (content, key) => {
    const kind = kinds.find(({ name }) => name === key.kind);
    const isMap = isJsonObject(content);
    const {
      deletedAt: told,
      objectName: _,
      ...rest
    } = (isMap ? content : {}) as { readonly deletedAt?: unknown; readonly objectName?: unknown };
    const time = typeof told === "string" ? Date.parse(told) : Number.NaN;
    const deletedAt = Number.isNaN(time) ? {} : { deletedAt: time };
    if (kind === undefined) return { value: { status: rest, ...deletedAt }, leftOut: [] };
    const { status, ...parts } = kind.readStatus(isMap ? rest : content);
    return { value: parts.leftOut.includes("status") ? undefined : { status: status as object, ...deletedAt }, ...parts };
  };
}
