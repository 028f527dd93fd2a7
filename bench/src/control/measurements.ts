import { setTimeout as delay } from "node:timers/promises";
import { until } from "@fenceline/e2e/lab/until.ts";
import { cpuMilliseconds } from "../proc.ts";
import { percentile } from "../rounds.ts";
import { probeWrites, total, writesBetween, writesSoFar } from "./api-server-load.ts";
import type { Callers } from "./callers.ts";
import type { Cluster } from "./cluster.ts";
import { type CollectorProcess, cpuOf, untilQuiet } from "./collector.ts";
import { type BenchMesh, endpointSlice, LEARNED_HOSTS, service } from "./mesh.ts";
import { profileWhile, type Shares } from "./profile.ts";
import type { Rendered } from "./rendered.ts";

/** What the measurements of a step share. */
export interface Bench {
  readonly cluster: Cluster;
  readonly mesh: BenchMesh;
  readonly rendered: Rendered;
  /** All that run. */
  readonly collectors: readonly CollectorProcess[];
}

/** A minute of nothing. */
export interface Idle {
  /** Milliseconds of CPU in a second. */
  readonly cpuPerSecond: number;
  readonly writes: number;
}

/** New edges at a steady rate. */
export interface Edges {
  readonly p50: number;
  readonly p99: number;
  readonly most: number;
  /** Edges that were not shown when the waiting ended. */
  readonly missing: number;
  readonly cpuPerEdge: number;
  readonly sidecarWritesPerEdge: number;
  readonly writesPerEdge: number;
  /** CPU of the API server and etcd for each edge. */
  readonly serverCpuPerEdge: number;
  /** Write latency of the API server at the same time. */
  readonly serverP50: number;
  readonly serverP99: number;
}

/** Longest wait until work is done after its last cause. */
const SETTLE_MS = 120_000;
/**
 * Enough that one collection of the whole heap, half a second at 600 MB, does not dominate the
 * figure.
 */
const CHANGES = 600;
const CHANGES_PER_SECOND = 20;
/** Changes during a profile. */
const PROFILED = 200;

export async function measureIdle({ cluster, collectors }: Bench, seconds: number): Promise<Idle> {
  const { client, context } = cluster;
  const before = await writesSoFar(client);
  const cpu = cpuOf(collectors);
  await delay(seconds * 1_000, undefined, { signal: context.signal });
  const used = cpuOf(collectors) - cpu;
  const writes = writesBetween(before, await writesSoFar(client));
  return { cpuPerSecond: used / seconds, writes: total(writes) };
}

/** CPU of the collector in milliseconds for each Service that concerns no fence. */
export function measureServices(bench: Bench, idle: Idle): Promise<number> {
  return measureChanges(bench, idle, serviceAdder(bench));
}

/** The same for each change of the endpoints of a Service. */
export function measureEndpoints(bench: Bench, idle: Idle): Promise<number> {
  return measureChanges(bench, idle, endpointsChanger(bench));
}

/** Where the CPU for further ones goes. */
export async function profileChanges(bench: Bench): Promise<{ readonly services: Shares; readonly endpointSlices: Shares }> {
  const profile = (change: Change) => profileLeader(bench, () => makeChanges(bench, change, CHANGES, PROFILED));
  return { services: await profile(serviceAdder(bench)), endpointSlices: await profile(endpointsChanger(bench)) };
}

/** Where the CPU of the first collector goes while something is done. */
export function profileLeader({ collectors, cluster }: Bench, run: () => Promise<void>): Promise<Shares> {
  const [leader] = collectors;
  if (leader === undefined) throw new Error("no collector runs");
  return profileWhile(leader, run, cluster.context.signal);
}

/** One change, with its number. */
type Change = (at: number) => Promise<void>;

function serviceAdder({ cluster }: Bench): Change {
  return async (at) => {
    await cluster.client.request("POST", "/api/v1/namespaces/default/services", service({ namespace: "default", name: `unrelated-${at}` }));
  };
}

function endpointsChanger({ mesh, cluster }: Bench): Change {
  return async (at) => {
    const slice = endpointSlice(mesh.place(at), at, 1);
    await cluster.client.patch(slice, { endpoints: slice.endpoints });
  };
}

async function makeChanges({ cluster }: Bench, change: Change, from: number, count: number): Promise<void> {
  const begin = performance.now();
  for (let at = 0; at < count; at++) {
    await change(from + at);
    await delay(begin + ((at + 1) * 1_000) / CHANGES_PER_SECOND - performance.now(), undefined, { signal: cluster.context.signal });
  }
}

async function measureChanges(bench: Bench, idle: Idle, change: Change): Promise<number> {
  const { collectors, cluster } = bench;
  const [begin, cpu] = [performance.now(), cpuOf(collectors)];
  await makeChanges(bench, change, 0, CHANGES);
  await untilQuiet(collectors, SETTLE_MS, cluster.context.signal);
  return (cpuOf(collectors) - cpu - (idle.cpuPerSecond * (performance.now() - begin)) / 1_000) / CHANGES;
}

/** The n-th new edge is the fence's n-th host beyond those that it has learned. */
export async function measureEdges(
  bench: Bench,
  idle: Idle,
  callers: Callers,
  { perSecond, seconds, from }: { readonly perSecond: number; readonly seconds: number; readonly from: number },
): Promise<Edges> {
  const { cluster, mesh, rendered, collectors } = bench;
  const { client, context, apiServer, etcd } = cluster;
  const serverCpu = () => cpuMilliseconds(apiServer.pid) + cpuMilliseconds(etcd.pid);
  const count = perSecond * seconds;
  const writes = await writesSoFar(client);
  const probing = new AbortController();
  const probes = probeWrites(client, probing.signal);
  const took: number[] = [];
  const [cpu, server, begin] = [cpuOf(collectors), serverCpu(), performance.now()];
  for (let edge = 0; edge < count; edge++) {
    const caller = (from + edge) % callers.count;
    const host = mesh.hostOf(caller, LEARNED_HOSTS + Math.floor((from + edge) / callers.count));
    const due = begin + (edge * 1_000) / perSecond;
    if (due - performance.now() >= 1) await delay(due - performance.now(), undefined, { signal: context.signal });
    const called = performance.now();
    rendered.whenShown(mesh.fence(caller), host, (at) => took.push(at - called));
    callers.call(caller, host);
  }
  await until("the edges to be shown", () => rendered.missing === 0, { signal: context.signal, timeout: SETTLE_MS }).catch(() => {
    context.signal.throwIfAborted();
  });
  probing.abort();
  const missing = rendered.missing;
  rendered.forget();
  const latencies = await probes;
  await untilQuiet(collectors, SETTLE_MS, context.signal);
  const elapsed = performance.now() - begin;
  const written = writesBetween(writes, await writesSoFar(client));
  return {
    p50: percentile(took, 0.5),
    p99: percentile(took, 0.99),
    most: Math.max(...took),
    missing,
    cpuPerEdge: (cpuOf(collectors) - cpu - (idle.cpuPerSecond * elapsed) / 1_000) / count,
    sidecarWritesPerEdge: (written.get("sidecars") ?? 0) / count,
    writesPerEdge: total(written) / count,
    serverCpuPerEdge: (serverCpu() - server) / count,
    serverP50: percentile(latencies, 0.5),
    serverP99: percentile(latencies, 0.99),
  };
}
