import { once } from "node:events";
import { rm, stat } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FencelineError } from "@fenceline/api";

/**
 * Takes the folder for this process. Two over one folder would write each other's state and the
 * same rendered objects, and each demo would send the other's calls to its own services.
 *
 * It is held by a Unix socket: the kernel lets go of it however the process ends, so nothing has to
 * be cleaned up after a crash. It is named by the folder's device and inode, which a link does not
 * change, and stands among the temporary files: not every file system can hold a socket, and
 * whoever packs or commits the folder should not find one.
 *
 * @returns lets go of it
 * @throws {FencelineError} `DIRECTORY_IN_USE`
 */
export async function takeFolder(folder: string): Promise<() => Promise<void>> {
  const { dev, ino } = await stat(folder, { bigint: true });
  const path = join(tmpdir(), `fenceline-${dev}-${ino}.sock`);
  const socket = createServer((connection) => connection.destroy());
  if (await listens(path)) throw inUse(folder);
  // What nobody listens on was left behind by a process that was killed.
  await rm(path, { force: true }).catch(() => {});
  try {
    socket.listen(path);
    await once(socket, "listening");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EADDRINUSE" && (await listens(path))) throw inUse(folder);
    // No place for temporary files, or none for sockets: this only spares somebody a mistake, and
    // is no reason not to start.
    return async () => {};
  }
  socket.unref();
  return async () => {
    socket.close();
  };
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
