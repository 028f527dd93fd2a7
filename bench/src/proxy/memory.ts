import { load } from "./load.ts";
import type { Target } from "./peers.ts";
import type { Row } from "./rows.ts";

const SAMPLE_EVERY_MS = 100;
/** After this time every connection has been busy for long, and the heap has its final size. */
const LEAST_SECONDS = 8;

const ROW: Row = { id: "memory", title: "64 B answers, 1,000 connections", protocol: "http1", load: ["-connections", "1000"] };

/**
 * The most memory of a proxy in MB with 1,000 busy connections. Use a new process: otherwise
 * garbage of earlier work counts.
 */
export async function busyMemory(target: Target, seconds: number): Promise<number> {
  let most = 0;
  const sample = () => {
    most = Math.max(most, target.process.residentMegabytes());
  };
  const sampling = setInterval(sample, SAMPLE_EVERY_MS);
  try {
    await load(target, ROW, Math.max(seconds, LEAST_SECONDS));
    return most;
  } finally {
    clearInterval(sampling);
  }
}
