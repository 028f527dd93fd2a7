import { connect } from "node:net";
import { envoyBinary } from "../../../scripts/envoy.ts";
import { buildPeer } from "../go.ts";
import { hostOf, meshFolder } from "../mesh.ts";
import { envoyCommand } from "../peers/envoy.ts";
import { peerSource } from "../places.ts";
import { BenchProcess, stopAll, until } from "../process.ts";
import { alternate, type Peer, type Sample } from "../rounds.ts";
import type { Settings } from "../settings.ts";
import type { Report } from "../suite.ts";
import { format, type Goal, summarise } from "../table.ts";

const OURS = "Fenceline";
const GOALS: readonly Goal[] = [
  { peer: "Envoy", atLeast: 0.9 },
  { peer: "Go ReverseProxy", atLeast: 1.2 },
];
const CONNECTIONS = 32;
const WARM_UP_SECONDS = 1;

/** What the load generator prints. */
interface LoadResult {
  readonly requests: number;
  readonly seconds: number;
  readonly errors: number;
  readonly p50: number;
  readonly p99: number;
}

/** Where a proxy listens, and the Host header by which it reaches the upstream. */
interface Target {
  readonly process: BenchProcess;
  readonly port: number;
  readonly host: string;
}

/** Requests per second through one core: Fenceline's proxy, reporting edges to a collector, and three proxies that only forward. */
export async function proxy({ rounds, seconds }: Settings): Promise<Report> {
  const httpLoad = buildPeer("http-load");
  const upstream = await BenchProcess.start("upstream", "rest", httpLoad, ["serve"]);
  const { port } = await upstream.answer<{ port: number }>();
  const mesh = await meshFolder({ callers: 1, services: 10, endpointPort: port });
  try {
    const alone = await load(httpLoad, { process: upstream, port, host: "upstream" }, seconds);
    const collector = await BenchProcess.start("collector", "rest", process.execPath, [peerSource("fenceline-collector.ts"), mesh.path]);
    const targets = await startProxies(port, (await collector.answer<{ port: number }>()).port);
    const peers: Peer[] = targets.map((target) => ({ name: target.process.name, measure: () => load(httpLoad, target, seconds) }));
    const samples = await alternate(peers, rounds);
    const rows = summarise(samples, OURS, GOALS);
    const reported = await collector.ask<{ entries: number; edges: number }>("count");
    if (reported.edges !== 1) throw new Error(`the collector knows ${reported.edges} edges, not 1: Fenceline did not report`);
    const text = `${format(rows, "requests/s")}\nupstream and load generator alone, on one core: ${Math.round(alone.rate)}/s`;
    return { text, data: { connections: CONNECTIONS, rows, samples: Object.fromEntries(samples), upstreamAlone: alone, reported } };
  } finally {
    await stopAll();
    await mesh.remove();
  }
}

async function startProxies(upstreamPort: number, collectorPort: number): Promise<Target[]> {
  const byAddress = `127.0.0.1:${upstreamPort}`;
  return [
    await listening(OURS, process.execPath, [peerSource("fenceline-proxy.ts"), String(upstreamPort), String(collectorPort)], hostOf(0)),
    await envoy(byAddress),
    await listening("Go ReverseProxy", buildPeer("go-reverse-proxy"), [], byAddress),
    await listening("http-proxy", process.execPath, [peerSource("http-proxy.ts")], byAddress),
  ];
}

async function envoy(host: string): Promise<Target> {
  const binary = envoyBinary();
  if (binary === undefined) throw new Error("no Envoy: run scripts/install-envoy.mjs, or name one with FENCELINE_ENVOY");
  const { args, port } = await envoyCommand();
  const process_ = await BenchProcess.start("Envoy", "server", binary, args);
  await until("Envoy", () => accepts(port));
  return { process: process_, port, host };
}

async function listening(name: string, command: string, args: readonly string[], host: string): Promise<Target> {
  const process_ = await BenchProcess.start(name, "server", command, args);
  const { port } = await process_.answer<{ port: number }>();
  return { process: process_, port, host };
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

async function load(httpLoad: string, target: Target, seconds: number): Promise<Sample> {
  const args = ["load", "-port", String(target.port), "-host", target.host, "-connections", String(CONNECTIONS)];
  const generator = await BenchProcess.start("load generator", "rest", httpLoad, [
    ...args,
    "-seconds",
    String(seconds),
    "-warmup",
    String(WARM_UP_SECONDS),
  ]);
  const before = target.process.cpuMilliseconds();
  const result = await generator.answer<LoadResult>();
  const cpu = (target.process.cpuMilliseconds() - before) / 1_000 / (result.seconds + WARM_UP_SECONDS);
  if (result.errors > 0) throw new Error(`${target.process.name}: ${result.errors} of ${result.requests} answers were not 200`);
  return { rate: result.requests / result.seconds, cpu, p50: result.p50, p99: result.p99 };
}
