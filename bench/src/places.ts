import { join } from "node:path";

/** The `bench` folder. */
export const BENCH: string = join(import.meta.dirname, "..");

/** Where downloaded and built tools go; ignored by git. */
export const TOOLS: string = join(BENCH, "..", ".tools");

/** Where the figures of each run go; ignored by git. */
export const RESULTS: string = join(BENCH, "results");

/** A program of `bench/src/peers`. */
export function peerSource(file: string): string {
  return join(BENCH, "src", "peers", file);
}
