import { connect } from "node:net";
import { until } from "@fenceline/e2e/lab/until.ts";
import { toolPath } from "../../../scripts/tools/tools.mjs";
import { buildPeer } from "../go.ts";
import { hostOf } from "../mesh.ts";
import { envoyCommand } from "../peers/envoy.ts";
import { nginxCommand } from "../peers/nginx.ts";
import { peerSource } from "../places.ts";
import { BenchProcess } from "../process.ts";
import type { Protocol } from "./rows.ts";

/** The proxy that all others are compared with. */
export const OURS = "Fenceline";

/** What the proxies forward to and report to. */
export interface Surroundings {
  readonly upstreamPort: number;
  readonly collectorPort: number;
}

/** A proxy that runs, and the Host by which it reaches the upstream. */
export interface Target {
  readonly process: BenchProcess;
  readonly host: string;
  readonly ports: Readonly<Partial<Record<Protocol, number>>>;
}

/** A proxy of the benchmark. */
export interface ProxyPeer {
  readonly name: string;
  /** Whether it is an npm package: Fenceline must be ahead of these in every row. */
  readonly node: boolean;
  readonly speaks: readonly Protocol[];
  start(surroundings: Surroundings): Promise<Target>;
}

const ALL: readonly Protocol[] = ["http1", "http2", "grpc"];
const HTTP1: readonly Protocol[] = ["http1"];
const WITHOUT_GRPC: readonly Protocol[] = ["http1", "http2"];
/**
 * nginx keeps connections alive only towards upstreams that its configuration names, so it knows
 * this one by a name.
 */
const NGINX_HOST = "upstream.bench";

/** All proxies, ours first. */
export const PEERS: readonly ProxyPeer[] = [
  { name: OURS, node: false, speaks: ALL, start: startFenceline },
  { name: "Envoy", node: false, speaks: ALL, start: startEnvoy },
  { name: "nginx", node: false, speaks: ALL, start: startNginx },
  { name: "Go", node: false, speaks: ALL, start: (around) => announced("Go", buildPeer("go-reverse-proxy"), [], around, ALL) },
  nodePeer("http-proxy", HTTP1, ["node-http-proxies.ts", "http-proxy"]),
  nodePeer("http-proxy-3", WITHOUT_GRPC, ["node-http-proxies.ts", "http-proxy-3"]),
  nodePeer("httpxy", HTTP1, ["node-http-proxies.ts", "httpxy"]),
  nodePeer("fast-proxy", WITHOUT_GRPC, ["fast-proxy.ts"]),
  nodePeer("reply-from", WITHOUT_GRPC, ["fastify-reply-from.ts"]),
];

function nodePeer(name: string, speaks: readonly Protocol[], [file = "", ...args]: readonly string[]): ProxyPeer {
  const start = (around: Surroundings) => announced(name, process.execPath, [peerSource(file), ...args], around, speaks);
  return { name, node: true, speaks, start };
}

/** Fenceline's proxy, beside whatever others of it run. */
export async function startFenceline({ upstreamPort, collectorPort }: Surroundings): Promise<Target> {
  const args = [peerSource("fenceline-proxy.ts"), String(upstreamPort), String(collectorPort)];
  const child = await BenchProcess.start(OURS, "server", process.execPath, args);
  const { port } = await child.answer<{ port: number }>();
  return { process: child, host: hostOf(0), ports: { http1: port, http2: port, grpc: port } };
}

async function startEnvoy({ upstreamPort }: Surroundings): Promise<Target> {
  const binary = toolPath("envoy");
  if (binary === undefined) throw new Error("no Envoy: run scripts/tools/install.mjs envoy, or name one with FENCELINE_ENVOY");
  const { args, port } = await envoyCommand();
  const child = await BenchProcess.start("Envoy", "server", binary, args);
  await until("Envoy", () => accepts(port));
  return { process: child, host: `127.0.0.1:${upstreamPort}`, ports: { http1: port, http2: port, grpc: port } };
}

async function startNginx({ upstreamPort }: Surroundings): Promise<Target> {
  const binary = toolPath("nginx");
  if (binary === undefined) throw new Error("no nginx: run scripts/tools/install.mjs nginx, or name one with FENCELINE_NGINX");
  const { args, port, http2 } = await nginxCommand(NGINX_HOST, upstreamPort);
  const child = await BenchProcess.start("nginx", "server", binary, args);
  await until("nginx", () => accepts(http2));
  return { process: child, host: NGINX_HOST, ports: { http1: port, http2, grpc: http2 } };
}

/** A program that prints where it listens; `http2` only where that is another port. */
async function announced(
  name: string,
  command: string,
  args: readonly string[],
  { upstreamPort }: Surroundings,
  speaks: readonly Protocol[],
): Promise<Target> {
  const child = await BenchProcess.start(name, "server", command, args);
  const { port, http2 = port } = await child.answer<{ port: number; http2?: number }>();
  const ports = Object.fromEntries(speaks.map((protocol) => [protocol, protocol === "http1" ? port : http2]));
  return { process: child, host: `127.0.0.1:${upstreamPort}`, ports };
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
