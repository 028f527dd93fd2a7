import { constants } from "node:os";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** A signal this soon after the first one, in milliseconds, is the same: Ctrl-C reaches us from the terminal and once more from npm. */
const SAME_SIGNAL_MS = 500;

/** Resolves with the first SIGINT or SIGTERM. Another one ends the process at once, with the exit code that a shell gives for it. */
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
