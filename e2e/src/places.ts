import { join } from "node:path";

/** The `e2e` folder. */
const E2E: string = join(import.meta.dirname, "..");

/** The project's folder. */
export const PROJECT: string = join(E2E, "..");

/** Everything that the setup installs; ignored by git. */
export const LAB_TOOLS: string = join(PROJECT, ".tools", "lab");

/** One folder per run with the logs of every process; ignored by git. */
export const RUNS: string = join(E2E, "runs");

/** Where the figures of each suite go; ignored by git. */
export const RESULTS: string = join(E2E, "results");

/** A program that the setup built. */
export function labProgram(name: string): string {
  return join(LAB_TOOLS, "bin", name);
}
