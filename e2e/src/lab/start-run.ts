import { rm } from "node:fs/promises";
import { Closers } from "./closers.ts";
import { Ledger } from "./ledger.ts";
import { makeRunFolder, type RunFolder } from "./run-folder.ts";

/** What everything that a run makes is noted in, and undone by. */
export interface Run {
  readonly run: RunFolder;
  readonly ledger: Ledger;
  readonly closers: Closers;
  /** Undoes all of it. */
  readonly close: () => Promise<void>;
}

/**
 * Starts what runs within a folder of its own. Whatever happens, what was made is undone: here when
 * the start fails, by {@link Run.close} afterwards.
 */
export async function startRun<T>(start: (run: Run) => Promise<T>): Promise<T> {
  const run = makeRunFolder(new Date());
  const ledger = new Ledger(run.path);
  const closers = new Closers();
  const close = async () => {
    await closers.close();
    // Only now: should something have failed to go, `npm run e2e:clean` finds it.
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
