import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RUNS } from "../places.ts";
import { leftBehind } from "./ledger.ts";

/** The folders of one run. */
export interface RunFolder {
  /** Kept: logs, kubeconfig. */
  readonly path: string;
  /** One log per process. */
  readonly logs: string;
  /**
   * Removed at the end: the database, and what the proxies read and write. They run as uid 1337,
   * which may not be able to read a project in root's home.
   */
  readonly stage: string;
}

/** Runs whose folders are kept. */
const KEPT_RUNS = 10;

/**
 * Makes the folders of a run, named by its start, and removes those of the oldest runs that ended
 * by themselves.
 */
export function makeRunFolder(now: Date): RunFolder {
  mkdirSync(RUNS, { recursive: true });
  const ended = readdirSync(RUNS).filter((run) => leftBehind(join(RUNS, run)) === undefined);
  for (const run of ended.sort().slice(0, -KEPT_RUNS)) rmSync(join(RUNS, run), { recursive: true, force: true });
  const path = mkdtempSync(join(RUNS, `${now.toISOString().slice(0, 19).replaceAll(":", "")}-`));
  const logs = join(path, "logs");
  mkdirSync(logs);
  return { path, logs, stage: mkdtempSync(join(tmpdir(), "fenceline-lab-")) };
}
