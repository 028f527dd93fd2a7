import { readFile } from "node:fs/promises";
import { Agent, createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { until } from "@fenceline/e2e/lab/until.ts";
import { type Edge, edges, fenceName, hostOf, meshFolder } from "../mesh.ts";
import { BENCH } from "../places.ts";
import { BenchProcess, freePort, stopAll } from "../process.ts";
import { percentile } from "../rounds.ts";
import type { Report, Suite } from "../suite.ts";
import { align } from "../table.ts";

const CALLERS = 10;
const SERVICES = 12;
const GOAL_P99_MS = 100;
/** A Sidecar that does not exist after this time will not be written. */
const GIVE_UP_MS = 5_000;

/**
 * Milliseconds from sending a first request to its answer, and to the Sidecar on disk that holds
 * its host.
 */
interface Timing {
  readonly answered: number;
  readonly rendered: number;
}

/** First request to a rendered Sidecar on disk, for 120 cold edges one after another. */
export const standalone: Suite = { defaults: { rounds: 1, seconds: 1 }, run };

async function run(): Promise<Report> {
  const upstream = createServer((_, response) => response.end("ok"));
  await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));
  const agent = new Agent({ keepAlive: true });
  const mesh = await meshFolder({ callers: CALLERS, services: SERVICES, endpointPort: (upstream.address() as AddressInfo).port });
  try {
    return report(await measure(mesh.path, agent));
  } finally {
    await stopAll();
    agent.destroy();
    upstream.close();
    await mesh.remove();
  }
}

async function measure(folder: string, agent: Agent): Promise<Timing[]> {
  const [proxyPort, alsPort, apiPort] = [await freePort(), await freePort(), await freePort()];
  const main = join(BENCH, "..", "packages", "cli", "src", "main.ts");
  const ports = ["--proxy-port", proxyPort, "--als-port", alsPort, "--api-port", apiPort].map(String);
  const server = await BenchProcess.start("fenceline standalone", "server", process.execPath, [
    main,
    "standalone",
    "--dir",
    folder,
    ...ports,
    "--no-demo",
  ]);
  await until("fenceline standalone", () => isReady(apiPort, agent));
  const timings: Timing[] = [];
  for (const edge of edges(CALLERS, SERVICES)) timings.push(await time(folder, proxyPort, edge, agent));
  await server.stop();
  return timings;
}

async function isReady(apiPort: number, agent: Agent): Promise<boolean> {
  return (await get(apiPort, "/readyz", {}, agent)) === 200;
}

async function time(folder: string, proxyPort: number, edge: Edge, agent: Agent): Promise<Timing> {
  const host = hostOf(edge.service);
  const file = join(folder, "rendered", "bench", `Sidecar-${fenceName(edge.caller)}.yaml`);
  const start = performance.now();
  const status = await get(proxyPort, "/", { host, "fence-source": `bench/${fenceName(edge.caller)}` }, agent);
  const answered = performance.now() - start;
  if (status !== 200) throw new Error(`the first request to ${host} got ${status}`);
  while (!(await readFile(file, "utf8").catch(() => "")).includes(host)) {
    if (performance.now() - start > GIVE_UP_MS) throw new Error(`${host} is not in ${file} after ${GIVE_UP_MS} ms`);
    await delay(1);
  }
  return { answered, rendered: performance.now() - start };
}

function get(port: number, path: string, headers: Record<string, string>, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", port, path, headers, agent }, (response) => {
      response.resume().once("end", () => resolve(response.statusCode ?? 0));
    });
    sent.once("error", reject).end();
  });
}

function report(timings: readonly Timing[]): Report {
  const rendered = timings.map((timing) => timing.rendered);
  const p99 = percentile(rendered, 0.99);
  const lines = [
    ["first request to …", "p50 ms", "p99 ms", "max ms", "goal"],
    row(
      "its answer",
      timings.map(({ answered }) => answered),
    ),
    [...row("Sidecar on disk", rendered), `p99 < ${GOAL_P99_MS} ms ${p99 < GOAL_P99_MS ? "met" : "MISSED"}`],
  ];
  return {
    text: `${align(lines)}\n${timings.length} cold edges, one after another`,
    data: { edges: timings.length, p99, met: p99 < GOAL_P99_MS, timings },
  };
}

function row(name: string, values: readonly number[]): string[] {
  return [name, percentile(values, 0.5), percentile(values, 0.99), Math.max(...values)].map((cell) =>
    typeof cell === "string" ? cell : cell.toFixed(1),
  );
}
