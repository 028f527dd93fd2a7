import { readFileSync } from "node:fs";

/**
 * The process's soft limit of open files, which Node raises to the hard limit at its start.
 * Infinite where the kernel does not tell it.
 */
export function openFilesLimit(): number {
  try {
    const [, soft] = /^Max open files +(\S+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
    return soft === undefined || soft === "unlimited" ? Number.POSITIVE_INFINITY : Number(soft);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
