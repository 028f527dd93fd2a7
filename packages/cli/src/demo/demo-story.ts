import { setTimeout as wait } from "node:timers/promises";
import type { Logger } from "pino";
import type { Hop } from "./demo-envoy.ts";
import { DEMO_CALLS, DEMO_IDLE_WINDOW, DEMO_NAMESPACE } from "./demo-mesh.ts";

/** What the demo needs to run its calls. */
export interface Stage {
  /** Calls a service from another one, as its Envoy would. */
  readonly call: (source: string, destination: string) => Promise<{ readonly hop: Hop; readonly status: number }>;
  /** Whether a service's fence has another one. */
  readonly shows: (source: string, destination: string) => boolean;
  readonly logger: Logger;
  /** Aborted when the demo ends. */
  readonly signal: AbortSignal;
}

/** Rounds of calls at the beginning, and the pause between them in milliseconds. */
const ROUNDS = 3;
const SHORT_PAUSE = 500;
/**
 * Pause between later calls, in milliseconds. It is shorter than a twentieth of the idle window: a
 * longer silence of a workload does not count as observed, so its hosts would age more slowly.
 */
const LONG_PAUSE = 900;

const CALLER = "productpage";
/** The service that is not called for a while. */
const NEGLECTED = "details";

/**
 * What the demo shows: first calls use the fallback and are learned, later ones are direct. A
 * service that is no longer called ages out of the fence, and is learned again with its next call.
 * Then calls go on until the demo ends.
 */
export async function tellStory(stage: Stage): Promise<void> {
  const { logger, shows, signal } = stage;
  const from = `${DEMO_NAMESPACE}/${CALLER}`;
  const callAll = (to: readonly string[], level: "info" | "debug", round?: number) => callEach(stage, to, level, round);
  const everybody = DEMO_CALLS[CALLER] ?? [];
  const others = everybody.filter((name) => name !== NEGLECTED);
  for (let round = 1; round <= ROUNDS && !signal.aborted; round += 1) {
    if (round > 1) await pause(SHORT_PAUSE, signal);
    await callAll(everybody, "info", round);
  }
  if (signal.aborted) return;
  logger.info({ from, to: NEGLECTED, idleWindow: DEMO_IDLE_WINDOW }, "demo: this service is no longer called, so its host will age out");
  while (shows(CALLER, NEGLECTED) && !signal.aborted) {
    await pause(LONG_PAUSE, signal);
    await callAll(others, "debug");
  }
  if (signal.aborted) return;
  logger.info({ from, to: NEGLECTED }, "demo: the host has left the fence; the next call takes the fallback and is learned anew");
  await callAll([NEGLECTED], "info");
  while (!shows(CALLER, NEGLECTED) && !signal.aborted) await pause(SHORT_PAUSE, signal);
  await callAll([NEGLECTED], "info");
  logger.info({ from, to: everybody }, "demo: calls go on, about one a second; --log-level debug shows them");
  while (!signal.aborted) {
    await callAll(everybody, "debug");
    await pause(LONG_PAUSE, signal);
  }
}

async function callEach({ call, logger, signal }: Stage, to: readonly string[], level: "info" | "debug", round?: number): Promise<void> {
  for (const destination of to) {
    if (signal.aborted) return;
    const names = { ...(round !== undefined && { round }), from: `${DEMO_NAMESPACE}/${CALLER}`, to: destination };
    try {
      logger[level]({ ...names, ...(await call(CALLER, destination)) }, "demo call");
    } catch (error) {
      logger.warn({ ...names, detail: error instanceof Error ? error.message : String(error) }, "demo call failed");
    }
  }
}

/** Ends early when the demo ends. */
async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await wait(milliseconds, undefined, { signal }).catch(() => {});
}
