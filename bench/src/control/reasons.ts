import { availableParallelism } from "node:os";
import { LEARNED_HOSTS } from "./mesh.ts";
import type { StepResult } from "./step.ts";

/** What was measured of the goals that the last step may miss by what it runs on: a line each. */
export function measuredReasons(results: readonly StepResult[]): readonly string[] {
  const last = results.at(-1);
  return last === undefined ? [] : [...apiServerLimit(last), ...memoryGrowth(results)];
}

/** An edge cannot be shown before the API server has taken its Sidecar. */
function apiServerLimit({ edges }: StepResult): readonly string[] {
  return [...edges]
    .filter(([, { p99, serverP99 }]) => p99 > 100 && serverP99 > 0)
    .map(([rate, { serverCpuPerEdge, writesPerEdge, cpuPerEdge, serverP50 }]) => {
      const cpu = ((serverCpuPerEdge + cpuPerEdge) * rate) / 10;
      return `${rate} edges/s: API server, etcd and collector ask for ${cpu.toFixed(0)} % of a core at ${writesPerEdge.toFixed(2)} writes per edge, of ${availableParallelism()} cores that all programs share; the API server's own write takes ${serverP50.toFixed(0)} ms (p50)`;
    });
}

function memoryGrowth(results: readonly StepResult[]): readonly string[] {
  const [first, last] = [results[0], results.at(-1)];
  if (first === undefined || last === undefined || first === last) return [];
  const hosts = (last.size.fences - first.size.fences) * LEARNED_HOSTS;
  const each = ((last.settled - first.settled) * 1024 * 1024) / hosts;
  return [`RSS grows by ${each.toFixed(0)} bytes for each of ${hosts} learned hosts more, their Services and endpoints included`];
}
