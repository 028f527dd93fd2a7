import { setImmediate } from "node:timers/promises";

/** Longer than anything a test waits for on a busy machine, in milliseconds. */
const LIMIT = 15_000;

/**
 * Resolves when the condition holds; it is looked at whenever the event loop comes round. Rejects,
 * naming the condition, when it never does.
 */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + LIMIT;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`never came true: ${condition.toString()}`);
    await setImmediate();
  }
}
