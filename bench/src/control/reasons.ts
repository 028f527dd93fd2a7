import { availableParallelism } from "node:os";
import { LEARNED_HOSTS } from "./mesh.ts";
import type { StepResult } from "./step.ts";

/** Measurements for goals that the last step may miss because of the machine: one line each. */
export function measuredReasons(results: readonly StepResult[]): readonly string[] {
  const last = results.at(-1);
  return last === undefined ? [] : [...apiServerLimit(last), ...cpuShares(last), ...memoryGrowth(results)];
}

/** Most milliseconds of CPU for a change. */
export const CPU_GOALS = { service: 2, endpointSlice: 2, edge: 5 } as const;

/** Parts of a profile that are named. */
const NAMED = 8;

/** Where the CPU of a change goes that misses its goal. */
export function cpuShares({
  perService,
  perEndpointSlice,
  edges,
  profiles,
}: Pick<StepResult, "perService" | "perEndpointSlice" | "edges" | "profiles">): readonly string[] {
  const figures = [
    ["CPU per unrelated Service", perService, CPU_GOALS.service, profiles.services],
    ["CPU per EndpointSlice", perEndpointSlice, CPU_GOALS.endpointSlice, profiles.endpointSlices],
    ...[...edges].map(
      ([rate, { cpuPerEdge }]) => [`CPU per edge at ${rate}/s`, cpuPerEdge, CPU_GOALS.edge, profiles.edges.get(rate) ?? []] as const,
    ),
  ] as const;
  return figures
    .filter(([, figure, most]) => figure > most)
    .map(([what, figure, , shares]) => {
      const parts = shares.slice(0, NAMED).map(([part, percent]) => `${percent.toFixed(0)} % ${part}`);
      return `${what}: ${figure.toFixed(1)} ms, of which ${parts.join(", ")}`;
    });
}

/** An edge cannot be visible before the API server has accepted its Sidecar. */
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
