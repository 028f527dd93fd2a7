import { constants } from "node:os";

/**
 * SIGHUP means that our terminal is gone. There is nothing to reload: manifests are watched, and
 * the configuration is read at the start.
 */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Milliseconds after the first signal in which another one counts as the same: Ctrl-C reaches us
 * from the terminal and once more from npm.
 */
const SAME_SIGNAL_MS = 500;

/**
 * Resolves with the first SIGINT, SIGTERM or SIGHUP. Another one ends the process at once, with the
 * exit code of this signal in a shell.
 *
 * Call it first of all: process 1, as in a container, does not get a signal for which it has no
 * handler.
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
