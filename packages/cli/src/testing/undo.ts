import type { TestContext } from "node:test";

/** Registers a step to undo. */
export type Undo = (step: () => unknown) => void;

/**
 * Undoes what a test started, in reverse order and even if a step fails: a folder must outlive the
 * process that writes into it. (The runner calls `after` hooks in the order of their registration,
 * and stops at the first that throws.)
 */
export function undoAfter(t: TestContext): Undo {
  const steps: (() => unknown)[] = [];
  t.after(async () => {
    const failed: unknown[] = [];
    for (const step of steps.reverse()) {
      try {
        await step();
      } catch (error) {
        failed.push(error);
      }
    }
    if (failed.length > 0) throw new AggregateError(failed, "not everything could be undone");
  });
  return (step) => void steps.push(step);
}
