/**
 * Runs test files like `node --test`, and ends those that do not end: because of a test that loops,
 * or one that timed out and left something that keeps its process alive. The time limit of `node
 * --test` ends neither: the first cannot check its clock, and the second has no test left.
 *
 * At the end it lists which tests were skipped and why, unless another reporter is set.
 *
 * A file that is ended counts as failed, and the others go on. `--test-force-exit` would let the
 * second kind pass, and hide what was left open.
 *
 * Usage: node scripts/testing/run.ts [--file-timeout=SECONDS] ARGUMENTS… (those of `node --test`)
 */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { childrenOf, descendantsOf } from "./processes.ts";

/** Ten times the time of the longest file on two idle cores. */
const FILE_TIMEOUT_S = 300;
const LOOK_EVERY_MS = 1_000;
const OPTION = "--file-timeout=";
const SKIPPED = new URL("skipped-tests.ts", import.meta.url).href;

const given = process.argv.slice(2);
const option = given.find((argument) => argument.startsWith(OPTION));
const seconds = option === undefined ? FILE_TIMEOUT_S : Number(option.slice(OPTION.length));
if (!(seconds > 0)) throw new Error(`${option} is not a positive number of seconds`);

const reporters = given.some((argument) => argument.startsWith("--test-reporter"))
  ? []
  : [...to("spec", "stdout"), ...to(SKIPPED, "stderr")];
const args = ["--test", ...reporters, ...given.filter((argument) => argument !== option)];
const runner = spawn(process.execPath, args, { stdio: "inherit" });
/** When each file was first seen. */
const started = new Map<number, number>();

const looking = setInterval(() => {
  const files = childrenOf(runner.pid ?? 0);
  const now = performance.now();
  for (const pid of started.keys()) if (!files.some((file) => file.pid === pid)) started.delete(pid);
  for (const { pid, command } of files) {
    const since = started.get(pid) ?? now;
    started.set(pid, since);
    if (now - since < seconds * 1_000) continue;
    console.error(`fenceline: killed a test file that had not ended after ${seconds} s: ${command}`);
    for (const one of [...descendantsOf(pid), pid]) kill(one);
  }
}, LOOK_EVERY_MS);

// The runner also gets Ctrl-C from the terminal, and ends its files. A signal that only we get is
// passed to it.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => runner.kill("SIGTERM"));
runner.once("exit", (code, signal) => {
  clearInterval(looking);
  process.exitCode = code ?? 128 + constants.signals[signal ?? "SIGTERM"];
});

function to(reporter: string, destination: string): readonly string[] {
  return [`--test-reporter=${reporter}`, `--test-reporter-destination=${destination}`];
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has just ended.
  }
}
