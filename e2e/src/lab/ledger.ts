import { appendFileSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

/**
 * Something on this machine that outlives our process unless it is undone. `id` distinguishes it
 * from a later one of the same name.
 */
export type Made =
  | { readonly kind: "process"; readonly name: string; readonly id: string }
  | { readonly kind: "link"; readonly name: string; readonly id: string }
  | { readonly kind: "namespace"; readonly name: string; readonly id: string }
  | { readonly kind: "folder"; readonly name: string; readonly id: string };

const FILE = "made.jsonl";

/**
 * What a run has made, recorded in its folder at once. A run that ends by itself undoes everything
 * and removes the file; for a killed run, `npm run e2e:clean` reads it. So nothing is ever touched
 * that no run recorded as its own.
 */
export class Ledger {
  readonly #file: string;

  /** The first entry is our own process: the file counts as left behind only when that is gone. */
  constructor(folder: string) {
    this.#file = join(folder, FILE);
    this.record("process", String(process.pid));
  }

  /**
   * Records something that was just made. It is synchronous, so that it is on disk before anything
   * can fail.
   *
   * @param name a process id, the name of a network link or namespace, or a path
   */
  record(kind: Made["kind"], name: string): void {
    appendFileSync(this.#file, `${JSON.stringify({ kind, name, id: identify(kind, name) ?? "" })}\n`);
  }

  /** Everything is undone. */
  close(): void {
    rmSync(this.#file, { force: true });
  }
}

/**
 * What is left of a run that did not end by itself, in reverse order; undefined when there is no
 * such run.
 */
export function leftBehind(folder: string): { readonly isRunning: boolean; readonly made: readonly Made[] } | undefined {
  let text: string;
  try {
    text = readFileSync(join(folder, FILE), "utf8");
  } catch {
    return undefined;
  }
  // A last line that is cut off has no end.
  const lines = text.slice(0, text.lastIndexOf("\n") + 1).trim();
  const [owner, ...made] = lines.split("\n").map((line) => JSON.parse(line) as Made);
  return { isRunning: owner !== undefined && isStillThere(owner), made: made.filter(isStillThere).reverse() };
}

/** Forgets what a dead run made, once it is undone. */
export function removeLedger(folder: string): void {
  rmSync(join(folder, FILE), { force: true });
}

function isStillThere({ kind, name, id }: Made): boolean {
  return id !== "" && identify(kind, name) === id;
}

/**
 * A unique identity, since names and process ids are used again; undefined when it does not exist.
 */
function identify(kind: Made["kind"], name: string): string | undefined {
  try {
    if (kind === "process") return `${bootId()} ${processStart(name)}`;
    if (kind === "link") return `${bootId()} ${readFileSync(`/sys/class/net/${name}/ifindex`, "utf8").trim()}`;
    if (kind === "namespace") return `${bootId()} ${statSync(`/run/netns/${name}`).ino}`;
    return String(statSync(name).ino);
  } catch {
    return undefined;
  }
}

function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}

/** When a process started, in clock ticks since boot. @throws when there is none */
function processStart(pid: string): string {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The second field is the command in brackets and may hold spaces; then field 3 is the state and
  // field 22 the start.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (fields[0] === "Z") throw new Error(`process ${pid} has ended`);
  return fields[19] ?? "";
}
