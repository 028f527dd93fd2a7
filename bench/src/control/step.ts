import { until } from "@fenceline/e2e/lab/until.ts";
import { startCluster } from "./cluster.ts";
import { CollectorProcess, untilQuiet } from "./collector.ts";
import { fill } from "./fill.ts";
import {
  type Bench,
  type Edges,
  type Idle,
  measureEdges,
  measureEndpoints,
  measureIdle,
  measureServices,
  profileChanges,
  profileLeader,
} from "./measurements.ts";
import { BenchMesh, type MeshSize } from "./mesh.ts";
import type { Shares } from "./profile.ts";
import { Rendered } from "./rendered.ts";
import { latency, measureReplicas, openCallers, type Replicas } from "./replicas.ts";

/** Everything that is measured in a mesh of one size. Times are milliseconds, memory is MB. */
export interface StepResult {
  readonly size: MeshSize;
  /** Until the collector is ready. */
  readonly syncMs: number;
  /** Until every fence has its Sidecar and its EnvoyFilter; undefined: not within the timeout. */
  readonly renderedMs: number | undefined;
  readonly renderedSidecars: number;
  readonly startCpuMs: number;
  readonly peak: number;
  /** Memory after the idle minute. */
  readonly settled: number;
  /** The most at the end of the step. */
  readonly peakInAll: number;
  readonly idle: Idle;
  readonly perService: number;
  readonly perEndpointSlice: number;
  /** By edges a second. */
  readonly edges: ReadonlyMap<number, Edges>;
  readonly replicas: Replicas;
  /** Where the collector's CPU for a change goes. */
  readonly profiles: Profiles;
}

/** Where the CPU goes, for changes that no figure includes. */
export interface Profiles {
  readonly services: Shares;
  readonly endpointSlices: Shares;
  /** By edges a second. */
  readonly edges: ReadonlyMap<number, Shares>;
}

const RENDER_MS = 15 * 60_000;
/** Edges a second. */
export const RATES = [10, 200] as const;
/** At least 600 edges, so that a collection of the whole heap does not dominate the figure. */
const edgeSeconds = (rate: number) => Math.max(20, 600 / rate);
/** Seconds of edges during a profile. */
const PROFILED_SECONDS = 10;
const EDGES = RATES.reduce((sum, rate) => sum + rate * (edgeSeconds(rate) + PROFILED_SECONDS), 0);

/** Measures one step in a cluster of its own. */
export async function measureStep(size: MeshSize, idleSeconds: number, signal: AbortSignal): Promise<StepResult> {
  const say = (what: string) => process.stderr.write(`  ${size.services}/${size.fences}: ${what}\n`);
  const cluster = await startCluster(signal);
  const { context, client } = cluster;
  try {
    const mesh = new BenchMesh(size);
    const begin = performance.now();
    await fill(cluster, mesh);
    say(`filled in ${seconds(begin)}, see ${context.run.path}`);
    const rendered = await Rendered.watch(client, signal);
    context.closers.add(() => rendered.close());
    const start = performance.now();
    const collector = await CollectorProcess.start(cluster, "first");
    say(`synced in ${seconds(start)}`);
    const isAll = () => rendered.sidecars >= size.fences && rendered.envoyFilters >= size.fences;
    const all = await until("all to be rendered", isAll, { signal, timeout: RENDER_MS, interval: 100 }).catch(() =>
      signal.throwIfAborted(),
    );
    const renderedMs = all === undefined ? undefined : performance.now() - start;
    const renderedSidecars = rendered.sidecars;
    say(`${renderedSidecars} Sidecars rendered in ${seconds(start)}`);
    await untilQuiet([collector], 120_000, signal);
    const startCpuMs = collector.cpu();
    const peak = collector.peak();
    const bench: Bench = { cluster, mesh, rendered, collectors: [collector] };
    const idle = await measureIdle(bench, idleSeconds);
    const settled = collector.resident();
    say(`idle: ${idle.cpuPerSecond.toFixed(1)} ms of CPU a second, ${idle.writes} writes`);
    const perService = await measureServices(bench, idle);
    say(`${perService.toFixed(1)} ms of CPU a Service`);
    const perEndpointSlice = await measureEndpoints(bench, idle);
    say(`${perEndpointSlice.toFixed(1)} ms of CPU an EndpointSlice`);
    const changes = await profileChanges(bench);
    const { edges, profiles } = await measureAllEdges(bench, idle, say);
    const peakInAll = collector.peak();
    const replicas = await measureReplicas(bench, idle, EDGES, say);
    return {
      size,
      syncMs: collector.syncMs,
      renderedMs,
      renderedSidecars,
      startCpuMs,
      peak,
      settled,
      peakInAll,
      idle,
      perService,
      perEndpointSlice,
      edges,
      replicas,
      profiles: { ...changes, edges: profiles },
    };
  } finally {
    await cluster.close();
  }
}

async function measureAllEdges(bench: Bench, idle: Idle, say: (what: string) => void) {
  const callers = await openCallers(bench);
  const byRate = new Map<number, Edges>();
  const profiles = new Map<number, Shares>();
  let from = 0;
  const measure = async (perSecond: number, seconds: number) => {
    const edges = await measureEdges(bench, idle, callers, { perSecond, seconds, from });
    from += perSecond * seconds;
    return edges;
  };
  for (const perSecond of RATES) {
    const edges = await measure(perSecond, edgeSeconds(perSecond));
    byRate.set(perSecond, edges);
    say(`${perSecond} edges/s: ${latency(edges)}, ${edges.missing} missing`);
    const profile = await profileLeader(bench, async () => {
      await measure(perSecond, PROFILED_SECONDS);
    });
    profiles.set(perSecond, profile);
  }
  callers.close();
  return { edges: byRate, profiles };
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1_000).toFixed(1)} s`;
}
