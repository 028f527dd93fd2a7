import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { constants, open, readdir, rename, rm } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { FencelineError } from "@fenceline/api";

/** It is not read as a manifest, because its name begins with a dot. */
const LOCK = ".fenceline.lock";
/** Longest path that a Unix socket may have, in bytes. */
const LONGEST_PATH = 100;
/** Answer of a process that holds the folder. */
const HOLDS = "holds";
const CLAIMS = "claims";
/** The process is just ending. */
const LEAVES = "leaves";
/** Milliseconds within which a running process answers. */
const ANSWER_MS = 2_000;
/** Longest answer: a longer one is not from a process of ours. */
const LONGEST_ANSWER = Math.max(HOLDS.length, CLAIMS.length);
/** Milliseconds until other claimants are asked again, and most repetitions. */
const ASK_AGAIN_MS = 20;
const MOST_ASKED = 250;

/**
 * Takes the folder for this process. Two processes in one folder would overwrite each other's state
 * and rendered objects, and each demo would send the other's calls to its own services.
 *
 * A Unix socket in the folder holds it. The kernel releases the socket however the process ends, so
 * nothing has to be cleaned up after a crash, and it also works between containers that share the
 * folder on one machine. If the folder's path is too long for a socket, an open file names the
 * folder, where the system can do that. If the file system has no sockets, the socket is among the
 * temporary files, named by the folder's device and inode, which a link does not change.
 *
 * @returns a function that releases it
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

/** Takes the first place in which a socket can be made. */
async function takePlace(places: readonly string[], folder: string): Promise<() => Promise<void>> {
  for (const place of places) {
    const claim = await Claim.make(place);
    if (claim === undefined) continue;
    if (await claim.prevails()) return () => claim.close();
    await claim.close();
    throw inUse(folder);
  }
  // There is no place for a socket at all. It only prevents a mistake, so the start goes on.
  return async () => {};
}

/**
 * One process's claim of a place: a socket with a unique name, so that only dead sockets are ever
 * removed. Every process listens before it looks at the others, so at least one of two sees the
 * other. A process that sees a holder, or a claimant with a lower name, gives up. One that sees a
 * claimant with a higher name waits for the outcome, since that one may have looked before.
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

  /** @returns undefined where no socket can be made */
  static async make(place: string): Promise<Claim | undefined> {
    const claim = new Claim(place);
    const begun = `${place}~${randomBytes(4).toString("hex")}`;
    if (Buffer.byteLength(begun) > LONGEST_PATH) return undefined;
    try {
      // Others must be able to connect: without the right to, they would take a dead socket for a
      // live one.
      claim.#socket.listen({ path: begun, writableAll: true });
      await once(claim.#socket, "listening");
      // A socket is bound before it listens, and looks dead in between. So it gets the name that
      // others look for only now.
      await rename(begun, claim.#path);
    } catch {
      claim.#socket.close();
      return undefined;
    }
    claim.#socket.unref();
    return claim;
  }

  /** Whether this claim gets the place. */
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
    // If it cannot be removed, for example from a read-only disk, it is dead anyway.
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

/** The answer of the process behind a socket. Undefined: there is none, and its socket is gone. */
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
    // A process that does not answer, or may not be asked, counts as alive.
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
