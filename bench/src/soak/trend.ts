import { median } from "../rounds.ts";

/** What the proxy held at one moment of the soak. */
export interface ResourceUse {
  /** Seconds since the load began. */
  readonly at: number;
  /** VmRSS in MB (10⁶ bytes). */
  readonly memory: number;
  /** Open files and sockets. */
  readonly files: number;
  /** Requests that are being forwarded. */
  readonly inFlight: number;
}

/** A promise of the soak, and whether it was kept. */
export interface Check {
  readonly what: string;
  readonly measured: string;
  readonly bound: string;
  readonly kept: boolean;
}

/** Share of the soak until compiled code, pools and the heap have their size. */
const WARM_UP = 0.25;
/**
 * Most growth of memory after the warm-up, in MB. V8 lets its heap grow by tens of MB before it
 * collects the old generation, whatever the load; a leak of 50 bytes a request is 80 MB after an
 * hour.
 */
const MOST_GROWTH = 32;
/**
 * Shortest soak in seconds for which memory is judged: before, the heap still grows to its size.
 */
const SHORTEST_JUDGED = 600;
/**
 * Most sockets at the end that were not open at the beginning: those of the report stream if it was
 * just opened again.
 */
const MOST_LEFT = 2;

/**
 * Growth of memory in MB from the first third after the warm-up to the last. It uses medians, so
 * that a single garbage collection does not decide.
 */
export function growth(samples: readonly ResourceUse[]): number {
  const steady = samples.slice(Math.floor(samples.length * WARM_UP)).map(({ memory }) => memory);
  const third = Math.max(1, Math.floor(steady.length / 3));
  return median(steady.slice(-third)) - median(steady.slice(0, third));
}

/** What must hold: memory does not grow, and nothing is left open once the load has ended. */
export function checks(before: ResourceUse, during: readonly ResourceUse[], after: ResourceUse): Check[] {
  const grown = growth(during);
  const isJudged = (during.at(-1)?.at ?? 0) >= SHORTEST_JUDGED;
  const bound = isJudged ? `${MOST_GROWTH} MB` : "not judged in so short a run";
  return [
    { what: "memory grown after warm-up", measured: `${grown.toFixed(1)} MB`, bound, kept: !isJudged || grown <= MOST_GROWTH },
    left("files left open", after.files - before.files, MOST_LEFT),
    left("requests left in flight", after.inFlight, 0),
  ];
}

/** Whether everything that the load had opened is closed. */
export function isBackToBase(before: ResourceUse, now: ResourceUse): boolean {
  return now.inFlight === 0 && now.files - before.files <= MOST_LEFT;
}

function left(what: string, measured: number, bound: number): Check {
  return { what, measured: String(measured), bound: String(bound), kept: measured <= bound };
}
