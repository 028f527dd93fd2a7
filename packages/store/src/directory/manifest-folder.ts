import { type FSWatcher, watch } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { type AnyObject, compareText, FencelineError, fileFailure } from "@fenceline/api";
import type { FileState } from "./file-state.ts";
import { ensureFolder } from "./folders.ts";
import {
  type Candidate,
  type Decision,
  DOUBT_MS,
  type Doubt,
  decide,
  decideFirst,
  emptyAtStart,
  type Found,
  isUnsettled,
  type ManifestKinds,
} from "./manifest-look.ts";
import { readText, UnusableEntry } from "./read-text.ts";

/**
 * How long to wait after a change on disk before reading: editors write a file in several steps.
 */
const SETTLE_MS = 20;
/**
 * Longest time that further changes may delay a reading, in milliseconds: something may write into
 * the folder all the time.
 */
const LONGEST_SETTLE_MS = 1_000;
/** Pause between two looks at a folder that does not seem complete at a start, in milliseconds. */
const LOOK_MS = 100;
/** File systems without change notices (network mounts) are looked at this often. */
const POLL_MS = 5_000;

/**
 * Names that begin with a dot are editors' and version control's, `x.yaml~`, `#x.yaml#` and `4913`
 * have another ending.
 */
const MANIFEST = /^[^.#].*\.(?:ya?ml|json)$/i;
const KUSTOMIZATION = /^kustomization\.ya?ml$/i;
/** Most lines that are logged about what is left alone. */
const MOST_TOLD = 1_000;
/** Folders of ours in it. */
const OURS: ReadonlySet<string> = new Set(["state", "rendered"]);

/** Events of a {@link ManifestFolder}. */
export interface ManifestFolderEvents {
  /** The objects changed. */
  changed(): void;
  /** A file is not valid. @param kept whether what it held before stays in force */
  refused(error: FencelineError, kept: boolean): void;
  /** The faults of the files changed. {@link refused} tells each fault once. */
  faults(errors: Iterable<FencelineError>): void;
  /** A part of an object that machines write is not readable. The rest of the object counts. */
  leftOut(error: FencelineError): void;
  /** A file came into force. */
  taken(file: string, objects: number): void;
  /** A file or folder, or `count` objects of a file, are not ours to read. Told once. */
  ignored(file: string, reason: string, count: number): void;
}

/**
 * The manifests in the files of one folder, read again whenever one of them changes. Folders in it
 * are not looked into.
 */
export class ManifestFolder {
  readonly #folder: string;
  readonly #kinds: ManifestKinds;
  readonly #events: ManifestFolderEvents;
  #files: ReadonlyMap<string, FileState> = new Map();
  #doubts: ReadonlyMap<string, Doubt> = new Map();
  #parsed: ReadonlyMap<string, Candidate> = new Map();
  /** Files that were empty at the start, and until when that is not believed. */
  #emptyUntil: ReadonlyMap<string, number> = new Map();
  /** Faults that were told, by file. */
  #refused: ReadonlyMap<string, string> = new Map();
  readonly #toldIgnored = new Set<string>();
  #watcher: FSWatcher | undefined;
  /**
   * Inode of the folder that is watched. A watch follows a folder that is moved away, and another
   * may take its place.
   */
  #watchedInode: number | undefined;
  #poll: NodeJS.Timeout | undefined;
  #settle: NodeJS.Timeout | undefined;
  /** Timer for the next look at files that are doubted. */
  #again: NodeJS.Timeout | undefined;
  #settlingSince: number | undefined;
  #reading: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(folder: string, kinds: ManifestKinds, events: ManifestFolderEvents) {
    this.#kinds = kinds;
    this.#folder = folder;
    this.#events = events;
  }

  /**
   * Reads the folder and begins to watch it.
   *
   * @param isMissed whether objects that existed before are missing from these
   * @throws {FencelineError} when a file is not valid: a start has no older content to fall back
   * to. An entry that is no file is left out
   */
  async open(isMissed: (objects: readonly AnyObject[]) => boolean): Promise<void> {
    await ensureFolder(this.#folder);
    // Watching begins before reading, so that no change is missed in between.
    await this.#watch();
    this.#poll = setInterval(() => this.#schedule(), POLL_MS).unref();
    try {
      const { files, errors, leftOut, ignored, empty } = await this.#settled(isMissed);
      const fault = [...errors.values()].find((error) => !(error instanceof UnusableEntry));
      if (fault !== undefined) throw fault;
      this.#tellRefused(errors);
      for (const error of leftOut) this.#events.leftOut(error);
      this.#tellIgnored(ignored);
      this.#files = files;
      this.#emptyUntil = new Map([...empty].map(([name, left]) => [name, performance.now() + left]));
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Whether an object that existed before the start may be about to be written once more. */
  get doubtsAbsence(): boolean {
    const now = performance.now();
    return [...this.#emptyUntil].some(([name, until]) => now < until && this.#files.get(name)?.text.trim() === "");
  }

  objects(): AnyObject[] {
    return [...this.#files.values()].flatMap(({ objects }) => objects);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#watcher?.close();
    clearInterval(this.#poll);
    clearTimeout(this.#settle);
    await this.#reading;
    clearTimeout(this.#settle);
    clearTimeout(this.#again);
  }

  /** The folder once no file seems to be incomplete, or after too long a wait. */
  async #settled(isMissed: (objects: readonly AnyObject[]) => boolean): Promise<Decision & { empty: ReturnType<typeof emptyAtStart> }> {
    const begin = performance.now();
    for (;;) {
      const found = await this.#find();
      const decision = decideFirst(found, this.#kinds);
      const misses = isMissed([...decision.files.values()].flatMap(({ objects }) => objects));
      if (performance.now() - begin >= DOUBT_MS || !isUnsettled(found, decision, Date.now(), misses))
        return { ...decision, empty: emptyAtStart(found, Date.now()) };
      await pause(LOOK_MS);
    }
  }

  #schedule(): void {
    if (this.#isClosed) return;
    const now = performance.now();
    this.#settlingSince ??= now;
    if (this.#settle !== undefined && now - this.#settlingSince > LONGEST_SETTLE_MS) return;
    clearTimeout(this.#settle);
    this.#settle = setTimeout(() => {
      this.#settle = undefined;
      this.#settlingSince = undefined;
      this.#reading = this.#reading.then(() => this.#reread());
    }, SETTLE_MS).unref();
  }

  /** It has its own timer, so that other changes do not wait for it. */
  #scheduleAgain(): void {
    clearTimeout(this.#again);
    if (!this.#isClosed) this.#again = setTimeout(() => this.#schedule(), DOUBT_MS).unref();
  }

  async #reread(): Promise<void> {
    try {
      await this.#watch();
      const found = await this.#find();
      const decision = decide(this.#files, found, this.#doubts, performance.now(), this.#parsed, this.#kinds);
      const { files, errors, doubts, leftOut, ignored } = decision;
      this.#tellRefused(errors);
      this.#tellIgnored(ignored);
      for (const error of leftOut) this.#events.leftOut(error);
      this.#doubts = doubts;
      this.#parsed = decision.parsed;
      if (decision.isWaiting) this.#scheduleAgain();
      const changed = [...files].filter(([name, state]) => this.#files.get(name) !== state);
      const same = files.size === this.#files.size && changed.length === 0;
      this.#files = files;
      for (const [name, { objects }] of changed) this.#events.taken(name, objects.length);
      if (!same) this.#events.changed();
    } catch (cause) {
      const details = { at: { file: this.#folder }, ...fileFailure(cause, process.getuid?.()), cause };
      // Another folder may get the same inode number.
      this.#watchedInode = undefined;
      this.#tellRefused(new Map([[this.#folder, new FencelineError("DIRECTORY_UNREADABLE", details)]]));
    }
  }

  /** Each fault is told once, not at every look at the folder. */
  #tellRefused(errors: ReadonlyMap<string, FencelineError>): void {
    for (const [name, error] of errors) {
      if (this.#refused.get(name) === error.message) continue;
      this.#events.refused(error, this.#files.has(name) || error.code === "DIRECTORY_UNREADABLE");
    }
    const refused = new Map([...errors].map(([name, { message }]) => [name, message]));
    const isSame = refused.size === this.#refused.size && [...refused].every(([name, message]) => this.#refused.get(name) === message);
    this.#refused = refused;
    if (!isSame) this.#events.faults(errors.values());
  }

  #tellIgnored(ignored: Decision["ignored"]): void {
    for (const [name, objects] of ignored) {
      const reasons = new Map<string, number>();
      for (const { kind, reason } of objects) {
        const text = kind === undefined ? reason : `${reason}: ${kind}`;
        reasons.set(text, (reasons.get(text) ?? 0) + 1);
      }
      for (const [reason, count] of reasons) this.#ignoreOnce(name, reason, count);
    }
  }

  async #find(): Promise<Map<string, Found>> {
    const entries = await readdir(this.#folder, { withFileTypes: true });
    const files = new Map<string, Found>();
    for (const entry of entries.sort((one, other) => compareText(one.name, other.name))) {
      const found = entry.isDirectory() ? this.#passFolder(entry.name) : await this.#read(entry.name);
      if (found !== undefined) files.set(entry.name, found);
    }
    return files;
  }

  async #read(name: string): Promise<Found | undefined> {
    if (!isManifestName(name)) return undefined;
    if (KUSTOMIZATION.test(name)) return this.#ignoreOnce(name, "a kustomization");
    try {
      const reading = await readText(join(this.#folder, name), name);
      // A link may lead to a folder.
      return reading === "folder" ? this.#passFolder(name) : reading;
    } catch (error) {
      if (!(error instanceof FencelineError)) throw error;
      return { error };
    }
  }

  #passFolder(name: string): undefined {
    if (!OURS.has(name) && !name.startsWith(".")) this.#ignoreOnce(name, "a folder: only files beside it are read");
  }

  /** Told once, not at each look and not with each change of the file. */
  #ignoreOnce(name: string, reason: string, count = 1): undefined {
    const told = `${name}\n${reason}`;
    if (this.#toldIgnored.has(told) || this.#toldIgnored.size >= MOST_TOLD) return;
    this.#toldIgnored.add(told);
    this.#events.ignored(name, reason, count);
  }

  async #watch(): Promise<void> {
    const { ino } = await stat(this.#folder);
    if (ino === this.#watchedInode) return;
    this.#watcher?.close();
    this.#watcher = undefined;
    try {
      this.#watcher = watch(this.#folder, () => this.#schedule());
      this.#watcher.on("error", () => this.#schedule());
      this.#watchedInode = ino;
    } catch {
      // The user has no watch left (ENOSPC, EMFILE). The folder is looked at every few seconds
      // anyway.
    }
  }
}

/** Whether a file of this name in a folder is read as manifests. */
export function isManifestName(name: string): boolean {
  return MANIFEST.test(name);
}
