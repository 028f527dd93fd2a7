import { readFileSync } from "node:fs";

/** What a process has used. */
export interface ProcessUse {
  /** Resident memory now, in MB. */
  readonly memory: number;
  /** Seconds of CPU since it started. */
  readonly cpu: number;
}

/** Linux counts CPU time in hundredths of a second for every program (USER_HZ). */
const TICKS_PER_SECOND = 100;
const KB_PER_MB = 1_000;

/** Reads it from /proc. */
export function useOf(pid: number): ProcessUse {
  const resident = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The second field, a name in parentheses, may have spaces in it; utime and stime are the 14th
  // and 15th.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[11]) + Number(fields[12]);
  return { memory: (Number(resident) * 1.024) / KB_PER_MB, cpu: ticks / TICKS_PER_SECOND };
}
