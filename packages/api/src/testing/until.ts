import { setImmediate as nextTurn, setTimeout as pause } from "node:timers/promises";

/** Longer than anything a test waits for on a busy machine, in milliseconds. */
const LIMIT = 60_000;
/**
 * For so long every turn of the event loop brings a look, and then a timer: others need the core.
 */
const EAGER = 100;
const INTERVAL = 5;

/** What {@link until} takes for "not yet". */
type NotYet = false | null | undefined;

/**
 * Looks again and again until there is something, and resolves with it. For tests, and the one way
 * in which they wait for what gives no event: it ends, so that a file whose test has failed ends
 * too.
 *
 * @param look asks for a condition, or for something to work with. What it throws ends the wait
 * @param limit milliseconds until it is given up. Default 60,000
 * @throws {Error} with the text of `look`
 */
export async function until<T>(look: () => T | Promise<T>, limit: number = LIMIT): Promise<Exclude<T, NotYet>> {
  const begin = performance.now();
  for (;;) {
    const found = await look();
    if (found !== false && found !== null && found !== undefined) return found as Exclude<T, NotYet>;
    const waited = performance.now() - begin;
    if (waited > limit) throw new Error(`never came, in ${limit / 1_000} s: ${look}`);
    await (waited < EAGER ? nextTurn() : pause(INTERVAL));
  }
}
