import { constants } from "node:os";

/**
 * SIGHUP too: the terminal that we run in went away. There is nothing to reload: manifests are read
 * live, the configuration at a start.
 */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * A signal this soon after the first one, in milliseconds, is the same: Ctrl-C reaches us from the
 * terminal and once more from npm.
 */
const SAME_SIGNAL_MS = 500;

/**
 * Resolves with the first SIGINT, SIGTERM or SIGHUP. Another one ends the process at once, with the
 * exit code that a shell gives for it.
 *
 * To be called first of all: a process with the number 1, as in a container, does not get a signal
 * that it has no handler for.
 */
export function untilSignalled(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let stoppingSince: number | undefined;
    for (const signal of SIGNALS) {
      process.on(signal, () => {
        if (stoppingSince !== undefined && performance.now() - stoppingSince > SAME_SIGNAL_MS)
          process.exit(128 + constants.signals[signal]);
        stoppingSince ??= performance.now();
        resolve(signal);
      });
    }
  });
}
