import { buildPeer } from "../go.ts";
import { meshFolder } from "../mesh.ts";
import { choose, type Options } from "../options.ts";
import { peerSource } from "../places.ts";
import { BenchProcess, stopAll } from "../process.ts";
import { goalsOf, type LatencyResult, type RowResult, verdicts } from "../proxy/goals.ts";
import { latencyAtHalf } from "../proxy/latency.ts";
import { load } from "../proxy/load.ts";
import { goalLines, matrix } from "../proxy/matrix.ts";
import { busyMemory } from "../proxy/memory.ts";
import { OURS, PEERS, type ProxyPeer, type Surroundings, startFenceline, type Target } from "../proxy/peers.ts";
import { MAIN_ROW, ROWS, type Row } from "../proxy/rows.ts";
import { alternate, type Rounds } from "../rounds.ts";
import type { Settings } from "../settings.ts";
import type { Report, Suite } from "../suite.ts";
import { format, summarise, thousands } from "../table.ts";

/**
 * Requests per second through one core, by the shape of the load: Fenceline's proxy, reporting
 * edges to a collector, and proxies that only forward.
 */
export const proxy: Suite = { defaults: { rounds: 3, seconds: 2 }, run };

/** What is measured beside the rows; chosen as they are. */
const LATENCY = "p99";
const MEMORY = "memory";

/**
 * Factor of rounds for goals close to the measured value: on a shared machine single rounds may be
 * wrong by a half.
 */
const CLOSE_GOAL = 3;

const NODE_PEERS = PEERS.filter(({ node }) => node).map(({ name }) => name);

interface MeasuredRow extends RowResult {
  readonly samples: Rounds;
  /** Requests per second without any proxy, with upstream and load generator on one core. */
  readonly alone: number;
}

/** A proxy that was chosen and runs. */
interface Running {
  readonly peer: ProxyPeer;
  readonly target: Target;
}

async function run(settings: Settings, options: Options): Promise<Report> {
  const peers = choose(PEERS, ({ name }) => name, options.peers);
  const ids = choose([...ROWS.map(({ id }) => id), LATENCY, MEMORY], (id) => id, options.rows);
  const upstream = await BenchProcess.start("upstream", "rest", buildPeer("http-load"), ["serve"]);
  const { port } = await upstream.answer<{ port: number }>();
  const mesh = await meshFolder({ callers: 1, services: 10, endpointPort: port });
  try {
    const collector = await BenchProcess.start("collector", "rest", process.execPath, [peerSource("fenceline-collector.ts"), mesh.path]);
    const around = { upstreamPort: port, collectorPort: (await collector.answer<{ port: number }>()).port };
    const running: Running[] = [];
    for (const peer of peers) running.push({ peer, target: await peer.start(around) });

    const direct: Target = { process: upstream, host: "upstream", ports: { http1: port, http2: port, grpc: port } };
    const results: MeasuredRow[] = [];
    for (const row of ROWS.filter(({ id }) => ids.includes(id))) results.push(await measure(row, running, direct, settings));
    const latency = ids.includes(LATENCY) ? await compareLatency(running, results, settings) : undefined;
    const memory = ids.includes(MEMORY) && peers.some(({ name }) => name === OURS) ? await measureMemory(around, settings) : undefined;

    if (peers.some(({ name }) => name === OURS)) await requireReports(collector);
    return report(results, peers, latency, memory);
  } finally {
    await stopAll();
    await mesh.remove();
  }
}

async function measure(row: Row, running: readonly Running[], direct: Target, { rounds, seconds }: Settings): Promise<MeasuredRow> {
  process.stderr.write(`${row.id}: ${row.title}\n`);
  const alone = await load(direct, row, Math.min(seconds, 1));
  const able = running.filter(({ peer }) => peer.speaks.includes(row.protocol));
  const samples = await alternate(
    able.map(({ peer, target }) => ({ name: peer.name, measure: () => load(target, row, seconds) })),
    row.id === MAIN_ROW ? rounds * CLOSE_GOAL : rounds,
  );
  return { row, samples, alone: alone.rate, peers: summarise(samples, OURS, goalsOf(row, NODE_PEERS)) };
}

/** Envoy's most is that of the main row, where it was measured. Undefined without both proxies. */
async function compareLatency(
  running: readonly Running[],
  results: readonly MeasuredRow[],
  settings: Settings,
): Promise<LatencyResult | undefined> {
  const targetOf = (name: string) => running.find(({ peer }) => peer.name === name)?.target;
  const [ours, envoy, row] = [targetOf(OURS), targetOf("Envoy"), ROWS.find(({ id }) => id === MAIN_ROW)];
  if (ours === undefined || envoy === undefined || row === undefined) return undefined;
  const measured = results.find((result) => result.row === row)?.peers.find(({ peer }) => peer === "Envoy");
  const { rate } = measured ?? (await load(envoy, row, settings.seconds));
  process.stderr.write(`${LATENCY}: half of Envoy's ${thousands(rate)}/s\n`);
  return latencyAtHalf(row, ours, envoy, rate, { ...settings, rounds: settings.rounds * CLOSE_GOAL });
}

/** Measured on a new proxy, so that the rows before have no effect. */
async function measureMemory(around: Surroundings, { seconds }: Settings): Promise<number> {
  process.stderr.write(`${MEMORY}: 1,000 busy connections\n`);
  return busyMemory(await startFenceline(around), seconds);
}

/** Without reports, Fenceline would be measured without a part of its work. */
async function requireReports(collector: BenchProcess): Promise<void> {
  const { edges } = await collector.ask<{ edges: number }>("count");
  if (edges !== 1) throw new Error(`the collector knows ${edges} edges, not 1: Fenceline did not report`);
}

function report(
  results: readonly MeasuredRow[],
  peers: readonly ProxyPeer[],
  latency: LatencyResult | undefined,
  memory: number | undefined,
): Report {
  const goals = verdicts(results, NODE_PEERS, latency, memory);
  const details = results.map(
    ({ row, peers: rows, alone }) =>
      `${row.id}: ${row.title}\n${format(rows, "requests/s")}\nupstream and load generator alone, on one core: ${thousands(alone)}/s`,
  );
  const names = peers.map(({ name }) => name);
  const summary = [...(results.length === 0 ? [] : [matrix(results, names)]), ...(goals.length === 0 ? [] : [goalLines(goals)])];
  const text = [...details, ...summary].join("\n\n");
  const rows = results.map(({ samples, ...result }) => ({ ...result, samples: Object.fromEntries(samples) }));
  return { text, data: { rows, latency, memory, goals } };
}
