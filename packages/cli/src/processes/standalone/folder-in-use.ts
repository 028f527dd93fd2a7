import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { rename, rm, stat } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FencelineError } from "@fenceline/api";

/** No manifest: its name begins with a dot. */
const LOCK = ".fenceline.lock";
/** Longest path that a Unix socket may have, in bytes, with room for the name of a dead one. */
const LONGEST_PATH = 90;
/** How often a socket that somebody left behind is moved away: each time another one may come. */
const TRIES = 10;

/**
 * Takes the folder for this process. Two over one folder would write each other's state and the
 * same rendered objects, and each demo would send the other's calls to its own services.
 *
 * It is held by a Unix socket in the folder: the kernel lets go of it however the process ends, so
 * nothing has to be cleaned up after a crash, and containers that share the folder on one machine
 * meet there too. Where the folder can hold no socket (not every file system can, and its path may
 * be too long) it is among the temporary files, named by the folder's device and inode, which a
 * link does not change.
 *
 * @returns lets go of it
 * @throws {FencelineError} `DIRECTORY_IN_USE`
 */
export async function takeFolder(folder: string): Promise<() => Promise<void>> {
  const inside = join(folder, LOCK);
  const held = Buffer.byteLength(inside) <= LONGEST_PATH ? await hold(inside, folder) : undefined;
  const { dev, ino } = await stat(folder, { bigint: true });
  const socket = held ?? (await hold(join(tmpdir(), `fenceline-${dev}-${ino}.sock`), folder));
  // Nor among temporary files: this only spares somebody a mistake, and is no reason not to start.
  if (socket === undefined) return async () => {};
  socket.unref();
  return async () => {
    socket.close();
    await once(socket, "close");
  };
}

/**
 * Listens on a socket that nobody else does. To bind it is one step for the kernel, so of two that
 * begin at the same moment one is refused.
 *
 * @returns undefined where there is no place for a socket
 */
async function hold(path: string, folder: string): Promise<Server | undefined> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const socket = createServer((connection) => connection.destroy());
    try {
      socket.listen(path);
      await once(socket, "listening");
      return socket;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") return undefined;
    }
    if (await listens(path)) throw inUse(folder);
    await moveAway(path, folder);
  }
  throw inUse(folder);
}

/**
 * Takes away what nobody listens on: a process left it behind that was killed. Another one may have
 * done the same a moment before, and listen there now: it gets its own back.
 */
async function moveAway(path: string, folder: string): Promise<void> {
  const aside = `${path}.${randomBytes(4).toString("hex")}`;
  try {
    await rename(path, aside);
  } catch {
    return;
  }
  if (await listens(aside)) {
    await rename(aside, path);
    throw inUse(folder);
  }
  await rm(aside, { force: true });
}

async function listens(path: string): Promise<boolean> {
  const connection = connect(path);
  try {
    await once(connection, "connect");
    return true;
  } catch (error) {
    // Another user's process.
    return (error as NodeJS.ErrnoException).code === "EACCES";
  } finally {
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
