/** One install at a time: a lock folder that its holder keeps touching. */
import { mkdirSync, renameSync, rmSync, statSync, utimesSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const BEAT_MS = 1_000;
/**
 * A holder this long without a beat is dead (killed, or the machine went down). The variable is for
 * tests.
 */
const STALE_AFTER_MS = Number(process.env.FENCELINE_INSTALL_STALE_AFTER_MS ?? 10_000);
const POLL_MS = 100;

/**
 * Runs `work` while holding the lock folder. Waits while another process holds it, and takes it
 * over when its holder is dead.
 *
 * @param {string} folder made and removed by the holder; its parent is created
 * @param {() => Promise<void>} work
 * @returns {Promise<void>}
 */
export async function withLock(folder, work) {
  mkdirSync(dirname(folder), { recursive: true });
  await acquire(folder);
  const beat = setInterval(() => touch(folder), BEAT_MS);
  try {
    await work();
  } finally {
    clearInterval(beat);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {string} folder */
async function acquire(folder) {
  let seen = "";
  let unchangedSince = performance.now();
  let told = false;
  while (!tryMake(folder)) {
    const now = stamp(folder);
    // Compared with what we saw ourselves, not with the wall clock: a suspended machine or a clock
    // that jumps must not end a living lock.
    if (now !== seen) {
      seen = now;
      unchangedSince = performance.now();
    } else if (performance.now() - unchangedSince > STALE_AFTER_MS) {
      discard(folder, seen);
    }
    if (!told) console.log("fenceline: another install is running, waiting for it");
    told = true;
    await delay(POLL_MS);
  }
}

/** @param {string} folder */
function tryMake(folder) {
  try {
    mkdirSync(folder);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

/**
 * Moves a dead lock away. Renaming is atomic, so of several waiters one succeeds; a stamp that
 * changed in between belongs to a new holder.
 *
 * @param {string} folder
 * @param {string} seen
 */
function discard(folder, seen) {
  const aside = `${folder}.dead-${process.pid}`;
  if (stamp(folder) !== seen) return;
  try {
    renameSync(folder, aside);
  } catch {
    return; // Another waiter was first.
  }
  rmSync(aside, { recursive: true, force: true });
}

/** @param {string} folder */
function stamp(folder) {
  const stats = statSync(folder, { throwIfNoEntry: false });
  return stats === undefined ? "" : `${stats.ino}:${stats.mtimeMs}`;
}

/** @param {string} folder */
function touch(folder) {
  const now = new Date();
  try {
    utimesSync(folder, now, now);
  } catch {
    // Taken over, after this process was stopped for longer than that. The work goes on;
    // the next run checks its result.
  }
}
