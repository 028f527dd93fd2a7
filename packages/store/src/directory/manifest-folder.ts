import { type FSWatcher, watch } from "node:fs";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describeObject, FencelineError, InvalidManifests, InvalidResource, type KnownObject, parseManifests } from "@fenceline/api";

/** How long to wait after a change on disk before reading: editors write a file in several steps. */
const SETTLE_MS = 20;
/** File systems without change notices (network mounts) are looked at this often. */
const POLL_MS = 5_000;

/** What a {@link ManifestFolder} tells while it runs. */
export interface ManifestFolderEvents {
  /** The objects changed. */
  changed(): void;
  /** A file is not valid. What it held before stays in force. */
  refused(error: FencelineError): void;
  /** A part of an object that machines write is not readable. The rest of it counts. */
  leftOut(error: FencelineError): void;
}

interface FileState {
  readonly text: string;
  readonly objects: readonly KnownObject[];
}

/** The `*.yaml` files of one folder, read again whenever one of them changes. */
export class ManifestFolder {
  readonly #folder: string;
  readonly #events: ManifestFolderEvents;
  #files: ReadonlyMap<string, FileState> = new Map();
  #refused: ReadonlyMap<string, string> = new Map();
  #watcher: FSWatcher | undefined;
  #poll: NodeJS.Timeout | undefined;
  #settle: NodeJS.Timeout | undefined;
  #reading: Promise<void> = Promise.resolve();

  constructor(folder: string, events: ManifestFolderEvents) {
    this.#folder = folder;
    this.#events = events;
  }

  /**
   * Reads the folder and begins to watch it.
   *
   * @throws {FencelineError} when a file is not valid: a start has no older content to fall back to
   */
  async open(): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    // Watching begins before reading, so that no change falls in between.
    this.#watcher = watch(this.#folder, () => this.#schedule());
    this.#watcher.on("error", () => this.#schedule());
    this.#poll = setInterval(() => this.#schedule(), POLL_MS).unref();
    try {
      const { files, errors, partial } = readFiles(await this.#texts(), new Map());
      const [first] = errors.values();
      if (first !== undefined) throw first;
      for (const error of partial) this.#events.leftOut(error);
      this.#files = files;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  objects(): KnownObject[] {
    return [...this.#files.values()].flatMap(({ objects }) => objects);
  }

  async close(): Promise<void> {
    this.#watcher?.close();
    clearInterval(this.#poll);
    clearTimeout(this.#settle);
    await this.#reading;
  }

  #schedule(): void {
    clearTimeout(this.#settle);
    this.#settle = setTimeout(() => {
      this.#reading = this.#reading.then(() => this.#reread());
    }, SETTLE_MS).unref();
  }

  async #reread(): Promise<void> {
    try {
      const { files, errors, partial } = readFiles(await this.#texts(), this.#files);
      this.#tellRefused(errors);
      for (const error of partial) this.#events.leftOut(error);
      const same = files.size === this.#files.size && [...files].every(([name, { text }]) => this.#files.get(name)?.text === text);
      this.#files = files;
      if (!same) this.#events.changed();
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      this.#events.refused(new FencelineError("DIRECTORY_UNREADABLE", { at: { file: this.#folder }, message, cause }));
    }
  }

  /** Each fault is told once, not at every look at the folder. */
  #tellRefused(errors: ReadonlyMap<string, FencelineError>): void {
    for (const [name, error] of errors) if (this.#refused.get(name) !== error.message) this.#events.refused(error);
    this.#refused = new Map([...errors].map(([name, { message }]) => [name, message]));
  }

  async #texts(): Promise<Map<string, string>> {
    const names = (await readdir(this.#folder)).filter((name) => /^[^.].*\.ya?ml$/.test(name)).sort();
    const texts = await Promise.all(names.map((name) => readFile(join(this.#folder, name), "utf8").catch(ignoreVanished)));
    return new Map(names.flatMap((name, index) => (texts[index] === undefined ? [] : [[name, texts[index]]])));
  }
}

/** Each file is taken whole or stays as it was before; an object that two files define is refused where it comes second. */
function readFiles(texts: ReadonlyMap<string, string>, before: ReadonlyMap<string, FileState>) {
  const files = new Map<string, FileState>();
  const errors = new Map<string, FencelineError>();
  const partial: FencelineError[] = [];
  const definedIn = new Map<string, string>();
  for (const [name, text] of texts) {
    try {
      const known = before.get(name);
      const { objects, leftOut } = known?.text === text ? { ...known, leftOut: [] } : parseManifests(text, name);
      refuseDuplicates(objects, name, definedIn);
      files.set(name, { text, objects });
      partial.push(...leftOut);
    } catch (error) {
      if (!(error instanceof FencelineError)) throw error;
      errors.set(name, error);
      const known = before.get(name);
      if (known !== undefined) files.set(name, known);
    }
  }
  return { files, errors, partial };
}

function refuseDuplicates(objects: readonly KnownObject[], file: string, definedIn: Map<string, string>): void {
  const names = new Map<string, string>();
  for (const object of objects) {
    const name = describeObject(object);
    const other = names.get(name) ?? definedIn.get(name);
    if (other !== undefined) {
      const fault = new InvalidResource("OBJECT_DEFINED_TWICE", { at: { file, object: name }, message: `is defined in ${other} already` });
      throw new InvalidManifests(file, [fault]);
    }
    names.set(name, file);
  }
  for (const name of names.keys()) definedIn.set(name, file);
}

function ignoreVanished(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}
