import { until } from "../../../e2e/src/lab/until.ts";
import { Callers } from "./callers.ts";
import { startCluster } from "./cluster.ts";
import { CollectorProcess } from "./collector.ts";
import { fill } from "./fill.ts";
import { type Bench, type Edges, type Idle, measureEdges, measureEndpoints, measureIdle, measureServices } from "./measurements.ts";
import { BenchMesh, type MeshSize } from "./mesh.ts";
import { Rendered } from "./rendered.ts";

/** Everything that is measured in a mesh of one size. Times are milliseconds, memory is MB. */
export interface StepResult {
  readonly size: MeshSize;
  /** Until the collector is ready. */
  readonly syncMs: number;
  /**
   * Until every fence has its Sidecar and its EnvoyFilter; undefined: not within the time given.
   */
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
}

/** Fences whose workloads call: more streams would measure the access-log server. */
const CALLERS = 500;
const RENDER_MS = 15 * 60_000;
const EDGE_SECONDS = 20;
/** Edges a second. */
export const RATES = [10, 200] as const;

/** Measures one step in a cluster of its own. */
export async function measureStep(size: MeshSize, idleSeconds: number, signal: AbortSignal): Promise<StepResult> {
  const say = (what: string) => process.stderr.write(`  ${size.services}/${size.fences}: ${what}\n`);
  const cluster = await startCluster(signal);
  const { ground, client } = cluster;
  try {
    const mesh = new BenchMesh(size);
    const begin = performance.now();
    await fill(cluster, mesh);
    say(`filled in ${seconds(begin)}, see ${ground.run.path}`);
    const rendered = await Rendered.watch(client, signal);
    ground.closers.add(() => rendered.close());
    const start = performance.now();
    const collector = await CollectorProcess.start(cluster);
    say(`synced in ${seconds(start)}`);
    const isAll = () => rendered.sidecars >= size.fences && rendered.envoyFilters >= size.fences;
    const all = await until("all to be rendered", isAll, { signal, timeout: RENDER_MS, interval: 100 }).catch(() =>
      signal.throwIfAborted(),
    );
    const renderedMs = all === undefined ? undefined : performance.now() - start;
    const renderedSidecars = rendered.sidecars;
    say(`${renderedSidecars} Sidecars rendered in ${seconds(start)}`);
    await collector.untilQuiet(120_000, signal);
    const startCpuMs = collector.cpu();
    const peak = collector.peak();
    const bench: Bench = { cluster, mesh, rendered, collector };
    const idle = await measureIdle(bench, idleSeconds);
    const settled = collector.resident();
    say(`idle: ${idle.cpuPerSecond.toFixed(1)} ms of CPU a second, ${idle.writes} writes`);
    const perService = await measureServices(bench, idle);
    say(`${perService.toFixed(1)} ms of CPU a Service`);
    const perEndpointSlice = await measureEndpoints(bench, idle);
    say(`${perEndpointSlice.toFixed(1)} ms of CPU an EndpointSlice`);
    const edges = await measureAllEdges(bench, idle, say);
    await collector.stop();
    const peakInAll = edges.peak;
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
      edges: edges.byRate,
    };
  } finally {
    await cluster.close();
  }
}

async function measureAllEdges(bench: Bench, idle: Idle, say: (what: string) => void) {
  const { mesh, collector, cluster } = bench;
  const fences = Array.from({ length: Math.min(CALLERS, mesh.size.fences) }, (_, at) => mesh.fence(at));
  const callers = await Callers.open(collector.accessLogPort, fences);
  cluster.ground.closers.add(() => callers.close());
  const byRate = new Map<number, Edges>();
  let from = 0;
  for (const perSecond of RATES) {
    const edges = await measureEdges(bench, idle, callers, { perSecond, seconds: EDGE_SECONDS, from });
    byRate.set(perSecond, edges);
    from += perSecond * EDGE_SECONDS;
    say(`${perSecond} edges/s: p50 ${edges.p50.toFixed(0)} ms, p99 ${edges.p99.toFixed(0)} ms, ${edges.missing} missing`);
  }
  return { byRate, peak: collector.peak() };
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1_000).toFixed(1)} s`;
}
