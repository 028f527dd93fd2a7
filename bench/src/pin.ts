import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";

/**
 * `server`: the program under test, alone. `rest`: load generator, upstream and whatever else takes
 * part.
 */
export type Core = "server" | "rest";

const CORES: Record<Core, number> = { server: 0, rest: 1 };

/** Throws unless programs can be pinned to two cores: otherwise the figures have no meaning. */
export function requirePinning(): void {
  if (spawnSync("taskset", ["--version"]).status !== 0) throw new Error("taskset is missing (Debian package util-linux)");
  if (availableParallelism() < 2) throw new Error("two cores are needed: one for the program under test, one for the rest");
}

/**
 * The command line that runs a command on one core. `taskset` replaces itself, so the process id is
 * the command's own.
 */
export function pinned(core: Core, command: string, args: readonly string[]): [string, string[]] {
  return ["taskset", ["--cpu-list", String(CORES[core]), command, ...args]];
}
