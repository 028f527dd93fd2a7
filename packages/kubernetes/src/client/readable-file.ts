import { statSync } from "node:fs";

/** Largest kubeconfig, certificate, key or token that is read, in bytes. */
const LARGEST = 4 * 1024 * 1024;

/**
 * Refuses a file that client-node must not read. It reads each file completely, with a blocking
 * call: `/dev/zero` has no end, a pipe waits for its writer, and a kubeconfig from a pipe could not
 * be read again after a 401.
 *
 * @throws {Error} with the path, like an error of the system; the system's own where there is no
 * such file
 */
export function refuseEndless(path: string): void {
  const stats = statSync(path);
  // The read itself fails for a folder.
  if (stats.isDirectory()) return;
  if (!stats.isFile()) throw refusal(path, "is no file but a pipe, a socket or a device: save it as a file");
  if (stats.size > LARGEST) throw refusal(path, `is larger than ${LARGEST / 1024 / 1024} MiB`);
}

function refusal(path: string, why: string): Error {
  return Object.assign(new Error(why), { path, syscall: "open" });
}
