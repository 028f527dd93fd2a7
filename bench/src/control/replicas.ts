import { Callers } from "./callers.ts";
import { CollectorProcess } from "./collector.ts";
import { type Bench, type Edges, type Idle, measureEdges } from "./measurements.ts";

/** New edges, 10 a second, where several collectors run. */
export interface Replicas {
  /** Three collectors, and a third of the streams at each. */
  readonly three: Edges;
  /** After the leader was killed, with half of the streams at each of the others. */
  readonly leaderKilled: Edges;
}

/** Fences whose workloads call: more streams would measure the access-log server. */
const CALLERS = 500;
const PER_SECOND = 10;
const SECONDS = 20;
/** A Lease is free after 15 s. */
const SECONDS_WITHOUT_LEADER = 10;

/** A stream for each of some fences, to the collectors in turn. */
export async function openCallers({ mesh, collectors, cluster }: Bench): Promise<Callers> {
  const fences = Array.from({ length: Math.min(CALLERS, mesh.size.fences) }, (_, at) => mesh.fence(at));
  const ports = collectors.map(({ accessLogPort }) => accessLogPort);
  const callers = await Callers.open(ports, fences);
  cluster.context.closers.add(() => callers.close());
  return callers;
}

/**
 * Starts two more collectors beside the running leader, and kills the leader at the end.
 *
 * @param from number of edges before
 */
export async function measureReplicas(bench: Bench, idle: Idle, from: number, say: (what: string) => void): Promise<Replicas> {
  const { cluster, collectors } = bench;
  const others = [await CollectorProcess.start(cluster, "second"), await CollectorProcess.start(cluster, "third")];
  const all = { ...bench, collectors: [...collectors, ...others] };
  const three = await measure(all, idle, { seconds: SECONDS, from });
  say(`three collectors: ${latency(three)}, ${three.sidecarWritesPerEdge.toFixed(2)} Sidecar writes per edge`);
  await Promise.all(collectors.map((leader) => leader.kill()));
  const left = { ...bench, collectors: others };
  const leaderKilled = await measure(left, idle, { seconds: SECONDS_WITHOUT_LEADER, from: from + SECONDS * PER_SECOND });
  say(`leader killed: ${latency(leaderKilled)}, most ${leaderKilled.most.toFixed(0)} ms`);
  await Promise.all(others.map((other) => other.stop()));
  return { three, leaderKilled };
}

async function measure(
  bench: Bench,
  { cpuPerSecond, writes }: Idle,
  { seconds, from }: { readonly seconds: number; readonly from: number },
): Promise<Edges> {
  const callers = await openCallers(bench);
  const idle = { cpuPerSecond: cpuPerSecond * bench.collectors.length, writes };
  const edges = await measureEdges(bench, idle, callers, { perSecond: PER_SECOND, seconds, from });
  callers.close();
  return edges;
}

/** In words. */
export function latency({ p50, p99 }: Edges): string {
  return `p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms`;
}
