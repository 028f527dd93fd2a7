import { loadavg } from "node:os";
import type { Edges } from "../control/measurements.ts";
import type { MeshSize } from "../control/mesh.ts";
import { CPU_GOALS, measuredReasons } from "../control/reasons.ts";
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
      // The steps before took long, and their figures are valid.
      if (results.length === 0) throw error;
      failure = error;
      break;
    }
  }
  const load = loadavg().map((value) => value.toFixed(1));
  return {
    text: `${table(results, seconds)}\n\n${measuredReasons(results).join("\n")}\nload average at the end: ${load.join(", ")}${failure === undefined ? "" : `\nended early: ${failure}`}`,
    data: { steps: results.map(asData), load },
    failed: failure !== undefined,
  };
}

/** Maps as JSON has them. */
function asData({ edges, profiles, ...result }: StepResult): object {
  return { ...result, edges: Object.fromEntries(edges), profiles: { ...profiles, edges: Object.fromEntries(profiles.edges) } };
}

/** The limit of a figure. It applies to the largest step. */
interface Goal {
  readonly most: number;
  readonly text: string;
}

const NO_GOAL: Goal = { most: Number.POSITIVE_INFINITY, text: "" };
const atMost = (most: number, unit = "") => ({ most, text: `≤ ${most}${unit}` });

function table(results: readonly StepResult[], idleSeconds: number): string {
  const row = (name: string, goal: Goal, figure: (result: StepResult) => number | undefined, shown: (value: number) => string) => [
    name,
    ...results.map((result) => shown(figure(result) ?? Number.POSITIVE_INFINITY)),
    verdict(goal, results.at(-1), figure),
  ];
  return align([
    ["Services/fences", ...results.map(({ size }) => `${size.services}/${size.fences}`), "goal at 10000/5000"],
    row("initial sync", { most: 60_000, text: "≤ 60 s" }, ({ syncMs }) => syncMs, seconds),
    row("all rendered", NO_GOAL, ({ renderedMs }) => renderedMs, seconds),
    row("CPU until then", NO_GOAL, ({ startCpuMs }) => startCpuMs, seconds),
    row("RSS, peak of the start", NO_GOAL, ({ peak }) => peak, megabytes),
    row("RSS, settled", atMost(600, " MB"), ({ settled }) => settled, megabytes),
    row("RSS, peak in all", NO_GOAL, ({ peakInAll }) => peakInAll, megabytes),
    row(
      "idle: CPU",
      NO_GOAL,
      ({ idle }) => idle.cpuPerSecond / 10,
      (share) => `${share.toFixed(1)} %`,
    ),
    row(`idle: writes in ${idleSeconds} s`, atMost(0), ({ idle }) => idle.writes, String),
    row("CPU per unrelated Service", atMost(CPU_GOALS.service, " ms"), ({ perService }) => perService, milliseconds),
    row("CPU per EndpointSlice", atMost(CPU_GOALS.endpointSlice, " ms"), ({ perEndpointSlice }) => perEndpointSlice, milliseconds),
    ...RATES.flatMap((rate) => edgeRows(results, rate)),
    ...replicaRows(row),
  ]);
}

function edgeRows(results: readonly StepResult[], rate: number): string[][] {
  const row = (name: string, goal: Goal, figure: (edges: Edges) => number, shown: (value: number) => string) => {
    const figureOf = (result: StepResult) => {
      const edges = result.edges.get(rate);
      return edges === undefined ? undefined : figure(edges);
    };
    const cells = results.map((result) => shown(figureOf(result) ?? Number.NaN));
    return [`${rate} edges/s: ${name}`, ...cells, verdict(goal, results.at(-1), figureOf)];
  };
  const perEdge = (value: number) => value.toFixed(2);
  return [
    row("edge → Sidecar p50", NO_GOAL, ({ p50 }) => p50, milliseconds),
    row("edge → Sidecar p99", rate === 200 ? atMost(100, " ms") : NO_GOAL, ({ p99 }) => p99, milliseconds),
    row("API server's write p50", NO_GOAL, ({ serverP50 }) => serverP50, milliseconds),
    row("API server's write p99", NO_GOAL, ({ serverP99 }) => serverP99, milliseconds),
    row("edges not shown", atMost(0), ({ missing }) => missing, String),
    row("CPU per edge", atMost(CPU_GOALS.edge, " ms"), ({ cpuPerEdge }) => cpuPerEdge, milliseconds),
    row("API server's and etcd's CPU per edge", NO_GOAL, ({ serverCpuPerEdge }) => serverCpuPerEdge, milliseconds),
    row("Sidecar writes per edge", atMost(1.2), ({ sidecarWritesPerEdge }) => sidecarWritesPerEdge, perEdge),
    row("all writes per edge", NO_GOAL, ({ writesPerEdge }) => writesPerEdge, perEdge),
  ];
}

function replicaRows(
  row: (name: string, goal: Goal, figure: (result: StepResult) => number, shown: (value: number) => string) => string[],
) {
  return [
    row("three collectors: edge → Sidecar p99", NO_GOAL, ({ replicas }) => replicas.three.p99, milliseconds),
    row(
      "three collectors: Sidecar writes per edge",
      atMost(1.2),
      ({ replicas }) => replicas.three.sidecarWritesPerEdge,
      (writes) => writes.toFixed(2),
    ),
    row("leader killed: edge → Sidecar p50", NO_GOAL, ({ replicas }) => replicas.leaderKilled.p50, milliseconds),
    row(
      "leader killed: edge → Sidecar, longest",
      { most: 1_000, text: "≤ 1 s" },
      ({ replicas }) => replicas.leaderKilled.most,
      milliseconds,
    ),
    row("leader killed: edges not shown", atMost(0), ({ replicas }) => replicas.leaderKilled.missing, String),
  ];
}

/** `≤ 600 MB: met` where the last step is the one that the goal is for. */
function verdict(goal: Goal, last: StepResult | undefined, figure: (result: StepResult) => number | undefined): string {
  if (last?.size.services !== STEPS.at(-1)?.services || last === undefined || goal === NO_GOAL) return goal.text;
  return `${goal.text}: ${(figure(last) ?? Number.POSITIVE_INFINITY) <= goal.most ? "met" : "MISSED"}`;
}

function seconds(milliseconds: number): string {
  return Number.isFinite(milliseconds) ? `${(milliseconds / 1_000).toFixed(1)} s` : "never";
}

function megabytes(value: number): string {
  return `${value.toFixed(0)} MB`;
}

function milliseconds(value: number): string {
  return `${value.toFixed(value < 100 ? 1 : 0)} ms`;
}
