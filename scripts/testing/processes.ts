import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** A process of this machine. */
export interface RunningProcess {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

export function childrenOf(pid: number): readonly RunningProcess[] {
  return runningProcesses().filter(({ parent }) => parent === pid);
}

/** Its children, their children, and so on: the most distant first. */
export function descendantsOf(pid: number, all: readonly RunningProcess[] = runningProcesses()): readonly number[] {
  return all.filter(({ parent }) => parent === pid).flatMap((child) => [...descendantsOf(child.pid, all), child.pid]);
}

/**
 * Every process that has not ended. Debian's small images have no `ps`, and other systems no
 * `/proc`.
 */
export function runningProcesses(): readonly RunningProcess[] {
  return process.platform === "linux" ? fromProc() : fromPs();
}

function fromProc(): readonly RunningProcess[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      const command = readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0").join(" ").trim();
      // The second field is the command in brackets and may hold spaces; then the state and the
      // parent.
      const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return state === "Z" ? [] : [{ pid: Number(name), parent: Number(parent), command }];
    } catch {
      // It has just ended.
      return [];
    }
  });
}

function fromPs(): readonly RunningProcess[] {
  const { stdout } = spawnSync("ps", ["-A", "-o", "pid=,ppid=,command="], { encoding: "utf8" });
  return (stdout ?? "").split("\n").flatMap((line) => {
    const [, pid, parent, command = ""] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return pid === undefined ? [] : [{ pid: Number(pid), parent: Number(parent), command }];
  });
}
