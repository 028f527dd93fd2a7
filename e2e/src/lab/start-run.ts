import { rm } from "node:fs/promises";
import { Closers } from "./closers.ts";
import { Ledger } from "./ledger.ts";
import { makeRunFolder, type RunFolder } from "./run-folder.ts";

/** Records everything that a run makes, and undoes it. */
export interface Run {
  readonly run: RunFolder;
  readonly ledger: Ledger;
  readonly closers: Closers;
  /** Undoes all of it. */
  readonly close: () => Promise<void>;
}

/**
 * Starts a run with its own folder. If the start fails, everything that was made is removed;
 * afterwards {@link Run.close} does this.
 */
export async function startRun<T>(start: (run: Run) => Promise<T>): Promise<T> {
  const run = makeRunFolder(new Date());
  const ledger = new Ledger(run.path);
  const closers = new Closers();
  const close = async () => {
    await closers.close();
    // Only now: if something could not be removed, `npm run e2e:clean` finds it.
    ledger.close();
  };
  try {
    ledger.record("folder", run.stage);
    closers.add(() => rm(run.stage, { recursive: true, force: true }));
    return await start({ run, ledger, closers, close });
  } catch (error) {
    await close();
    throw error;
  }
}
