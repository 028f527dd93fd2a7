import type { Lab } from "../../lab/lab.ts";

/**
 * Lets time pass, where time itself is what a suite is about: the length of an outage, a while in
 * which nothing may happen.
 */
export function sleep(lab: Lab, milliseconds: number): Promise<unknown> {
  const end = performance.now() + milliseconds;
  return lab.until(`${milliseconds} ms to pass`, () => performance.now() >= end, { timeout: 2 * milliseconds + 1_000, interval: 100 });
}
