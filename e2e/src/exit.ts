import { constants } from "node:os";
import { FencelineError } from "@fenceline/api";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/**
 * Runs a command line program: `work` gets a signal that the first SIGINT or SIGTERM aborts, so
 * that it can clean up. A second one ends the process at once.
 */
export async function runProgram(name: string, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const controller = new AbortController();
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(128 + constants.signals[signal]);
      process.exitCode = 128 + constants.signals[signal];
      console.error(`${name}: ${signal}, cleaning up`);
      controller.abort(new Error(`ended by ${signal}`));
    });
  }
  try {
    await work(controller.signal);
  } catch (error) {
    if (controller.signal.aborted) return;
    process.exitCode = 1;
    console.error(`${name}: ${describeError(error)}`);
  }
}

/**
 * An expected error is for the user to correct, and needs no stack trace. Any other is our fault.
 */
export function describeError(error: unknown): string {
  if (error instanceof FencelineError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
