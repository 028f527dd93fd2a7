import { loadavg } from "node:os";
import type { MeshSize } from "../control/mesh.ts";
import { measureStep, RATES, type StepResult } from "../control/step.ts";
import { choose, type Options } from "../options.ts";
import type { Settings } from "../settings.ts";
import type { Report, Suite } from "../suite.ts";
import { align } from "../table.ts";

const STEPS: readonly MeshSize[] = [
  { services: 1_000, fences: 500 },
  { services: 3_000, fences: 1_500 },
  { services: 10_000, fences: 5_000 },
];

/** What a mesh, and a change of it, costs the collector. One round; `seconds` is the idle time. */
export const control: Suite = { defaults: { rounds: 1, seconds: 60 }, run };

async function run({ seconds }: Settings, { steps }: Options): Promise<Report> {
  const interrupted = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => interrupted.abort(new Error(`ended by ${signal}`)));
  const results: StepResult[] = [];
  let failure: unknown;
  for (const size of choose(STEPS, ({ services }) => String(services), steps)) {
    try {
      results.push(await measureStep(size, seconds, interrupted.signal));
    } catch (error) {
      // The steps before took long, and their figures stand.
      if (results.length === 0) throw error;
      failure = error;
      break;
    }
  }
  const load = loadavg().map((value) => value.toFixed(1));
  return {
    text: `${table(results, seconds)}\nload average at the end: ${load.join(", ")}${failure === undefined ? "" : `\nended early: ${failure}`}`,
    data: { steps: results.map((result) => ({ ...result, edges: Object.fromEntries(result.edges) })), load },
    failed: failure !== undefined,
  };
}

function table(results: readonly StepResult[], idleSeconds: number): string {
  const row = (name: string, goal: string, cell: (result: StepResult) => string) => [name, ...results.map(cell), goal];
  return align([
    row("Services/fences", "goal", ({ size }) => `${size.services}/${size.fences}`),
    row("initial sync", "≤ 60 s", ({ syncMs }) => `${(syncMs / 1_000).toFixed(1)} s`),
    row("all rendered", "", ({ renderedMs, renderedSidecars }) =>
      renderedMs === undefined ? `never: ${renderedSidecars} Sidecars` : `${(renderedMs / 1_000).toFixed(1)} s`,
    ),
    row("CPU until then", "", ({ startCpuMs }) => `${(startCpuMs / 1_000).toFixed(1)} s`),
    row("RSS, peak of the start", "", ({ peak }) => `${peak.toFixed(0)} MB`),
    row("RSS, settled", "≤ 600 MB", ({ settled }) => `${settled.toFixed(0)} MB`),
    row("RSS, peak in all", "", ({ peakInAll }) => `${peakInAll.toFixed(0)} MB`),
    row("idle: CPU", "", ({ idle }) => `${(idle.cpuPerSecond / 10).toFixed(1)} %`),
    row(`idle: writes in ${idleSeconds} s`, "0", ({ idle }) => String(idle.writes)),
    row("CPU per unrelated Service", "≤ 2 ms", ({ perService }) => milliseconds(perService)),
    row("CPU per EndpointSlice", "≤ 2 ms", ({ perEndpointSlice }) => milliseconds(perEndpointSlice)),
    ...RATES.flatMap((rate) => edgeRows(results, rate)),
  ]);
}

function edgeRows(results: readonly StepResult[], rate: number): string[][] {
  const row = (name: string, goal: string, cell: (edges: NonNullable<ReturnType<StepResult["edges"]["get"]>>) => string) => [
    `${rate} edges/s: ${name}`,
    ...results.map(({ edges }) => {
      const found = edges.get(rate);
      return found === undefined ? "" : cell(found);
    }),
    goal,
  ];
  return [
    row("edge → Sidecar p50 / p99", rate === 200 ? "p99 ≤ 100 ms" : "", ({ p50, p99 }) => `${p50.toFixed(0)} / ${milliseconds(p99, 0)}`),
    row("API server's write p50 / p99", "", ({ serverP50, serverP99 }) => `${serverP50.toFixed(0)} / ${milliseconds(serverP99, 0)}`),
    row("edges not shown", "0", ({ missing }) => String(missing)),
    row("CPU per edge", "≤ 5 ms", ({ cpuPerEdge }) => milliseconds(cpuPerEdge)),
    row("API server's and etcd's CPU per edge", "", ({ serverCpuPerEdge }) => milliseconds(serverCpuPerEdge)),
    row("Sidecar writes / all writes per edge", "≤ 1.2 / –", (edges) => {
      return `${edges.sidecarWritesPerEdge.toFixed(2)} / ${edges.writesPerEdge.toFixed(2)}`;
    }),
  ];
}

function milliseconds(value: number, digits = 1): string {
  return `${value.toFixed(digits)} ms`;
}
