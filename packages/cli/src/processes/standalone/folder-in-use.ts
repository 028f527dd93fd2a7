import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { constants, open, readdir, rename, rm } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { FencelineError } from "@fenceline/api";

/** No manifest: its name begins with a dot. */
const LOCK = ".fenceline.lock";
/** Longest path that a Unix socket may have, in bytes. */
const LONGEST_PATH = 100;
/** What a process says to whoever connects. */
const HOLDS = "holds";
const CLAIMS = "claims";
/** It goes away just then. */
const LEAVES = "leaves";
/** Milliseconds within which a process that is not stopped has answered. */
const ANSWER_MS = 2_000;
/** Longest answer: whoever says more is none of ours. */
const LONGEST_ANSWER = Math.max(HOLDS.length, CLAIMS.length);
/** Milliseconds until others that claim it too are asked again, and how often at most. */
const ASK_AGAIN_MS = 20;
const MOST_ASKED = 250;

/**
 * Takes the folder for this process. Two over one folder would write each other's state and the
 * same rendered objects, and each demo would send the other's calls to its own services.
 *
 * It is held by a Unix socket in the folder: the kernel lets go of it however the process ends, so
 * nothing has to be cleaned up after a crash, and containers that share the folder on one machine
 * meet there too. A folder whose path is too long for a socket's is named by an open file, where
 * the system can do that. Where the folder can hold no socket (not every file system can) it is
 * among the temporary files, named by the folder's device and inode, which a link does not change.
 *
 * @returns lets go of it
 * @throws {FencelineError} `DIRECTORY_IN_USE`
 */
export async function takeFolder(folder: string): Promise<() => Promise<void>> {
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const { dev, ino } = await handle.stat({ bigint: true });
    const places = [join(folder, LOCK), `/proc/self/fd/${handle.fd}/${LOCK}`, join(tmpdir(), `fenceline-${dev}-${ino}.lock`)];
    const release = await takePlace(places, folder);
    return async () => {
      await release();
      await handle.close();
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Takes the first place that can hold a socket. */
async function takePlace(places: readonly string[], folder: string): Promise<() => Promise<void>> {
  for (const place of places) {
    const claim = await Claim.make(place);
    if (claim === undefined) continue;
    if (await claim.prevails()) return () => claim.close();
    await claim.close();
    throw inUse(folder);
  }
  // Nor among temporary files: this only spares somebody a mistake, and is no reason not to start.
  return async () => {};
}

/**
 * One process's wish for a place: a socket of a name that nobody else ever has, so that what is
 * removed is always what was found dead. Everybody listens before looking at the others, so of two
 * one at least sees the other. Who sees one that holds, or claims by a lower name, gives way; who
 * sees one that claims by a higher name waits for what becomes of it, since that one may have
 * looked before.
 */
class Claim {
  readonly #place: string;
  readonly #path: string;
  readonly #socket: Server;
  #holds = false;

  private constructor(place: string) {
    this.#place = place;
    this.#path = `${place}.${randomBytes(4).toString("hex")}`;
    this.#socket = createServer((connection) => {
      connection.on("error", () => {}).end(this.#holds ? HOLDS : CLAIMS);
    });
  }

  /** @returns undefined where there is no place for a socket */
  static async make(place: string): Promise<Claim | undefined> {
    const claim = new Claim(place);
    const begun = `${place}~${randomBytes(4).toString("hex")}`;
    if (Buffer.byteLength(begun) > LONGEST_PATH) return undefined;
    try {
      // Others must be able to ask: to one who may not, a dead one would look alive.
      claim.#socket.listen({ path: begun, writableAll: true });
      await once(claim.#socket, "listening");
      // A socket is bound before it listens, and in between it looks dead. So it gets the name that
      // others look for only now.
      await rename(begun, claim.#path);
    } catch {
      claim.#socket.close();
      return undefined;
    }
    claim.#socket.unref();
    return claim;
  }

  /** Whether the place is this claim's. */
  async prevails(): Promise<boolean> {
    let others = await this.#others();
    for (let asked = 0; asked < MOST_ASKED; asked += 1) {
      const answers = await Promise.all(others.map(async (path) => ({ path, says: await ask(path) })));
      if (answers.some(({ path, says }) => says === HOLDS || (says === CLAIMS && path < this.#path))) return false;
      others = answers.filter(({ says }) => says !== undefined).map(({ path }) => path);
      if (others.length === 0) {
        this.#holds = true;
        return true;
      }
      await setTimeout(ASK_AGAIN_MS);
    }
    return false;
  }

  async close(): Promise<void> {
    // One that cannot be removed, as on a disk that became read-only, holds nothing any more.
    await rm(this.#path, { force: true }).catch(() => {});
    this.#socket.close();
    await once(this.#socket, "close");
  }

  async #others(): Promise<readonly string[]> {
    const folder = dirname(this.#place);
    const prefix = `${basename(this.#place)}.`;
    const paths = (await readdir(folder)).filter((name) => name.startsWith(prefix)).map((name) => join(folder, name));
    return paths.filter((path) => path !== this.#path);
  }
}

/** What the process behind a socket says. Undefined: there is none, and no socket any more. */
async function ask(path: string): Promise<typeof HOLDS | typeof CLAIMS | typeof LEAVES | undefined> {
  const connection = connect(path).setEncoding("utf8");
  const late = globalThis.setTimeout(() => connection.destroy(new Error("no answer")), ANSWER_MS);
  try {
    let said = "";
    for await (const chunk of connection) {
      said += chunk;
      if (said.length > LONGEST_ANSWER) return HOLDS;
    }
    return said === HOLDS || said === CLAIMS ? said : LEAVES;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ECONNREFUSED") await rm(path, { force: true }).catch(() => {});
    if (code === "ECONNREFUSED" || code === "ENOENT") return undefined;
    // Whoever does not answer, or may not be asked, is alive.
    return code === "ECONNRESET" || code === "EPIPE" ? LEAVES : HOLDS;
  } finally {
    clearTimeout(late);
    connection.destroy();
  }
}

function inUse(folder: string): FencelineError {
  return new FencelineError("DIRECTORY_IN_USE", {
    at: { file: folder },
    message: "another fenceline standalone works in this folder",
    hint: "stop it, or name another folder with --dir",
  });
}
