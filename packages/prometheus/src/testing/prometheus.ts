/** A real Prometheus, for tests. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { until } from "@fenceline/api/testing";
import { toolPath } from "../../../../scripts/tools/tools.mjs";

const binary = toolPath("prometheus");

/** Why tests with a Prometheus are skipped; false where they run. */
export const PROMETHEUS_MISSING = binary === undefined && process.env.CI !== "true" && "no Prometheus here: npm test could not install it";

/** Settings of a Prometheus for tests. */
export interface PrometheusSettings {
  /** `host:port` of what it scrapes. */
  readonly targets?: readonly string[];
  /** Default `200ms`. */
  readonly scrapeInterval?: string;
  /** Its web configuration: TLS and users, paths relative to its folder. */
  readonly web?: { readonly files: Readonly<Record<string, string>>; readonly config: object };
}

/** A Prometheus that runs. */
export interface RunningPrometheus {
  readonly url: string;
  /** Ends it, and starts it again over what it had stored. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** Starts a Prometheus on a free port. It ends with the test. */
export async function startPrometheus(t: TestContext, { targets = [], scrapeInterval = "200ms", web }: PrometheusSettings = {}) {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-prometheus-"));
  const port = await freePort();
  const scrape = { job_name: "mesh", scrape_interval: scrapeInterval, scrape_timeout: scrapeInterval, static_configs: [{ targets }] };
  writeFileSync(join(folder, "prometheus.yml"), JSON.stringify({ scrape_configs: [scrape] }));
  for (const [name, text] of Object.entries(web?.files ?? {})) writeFileSync(join(folder, name), text);
  writeFileSync(join(folder, "web.yml"), JSON.stringify(web?.config ?? {}));
  const flags = [
    "--config.file=prometheus.yml",
    "--storage.tsdb.path=data",
    `--web.listen-address=127.0.0.1:${port}`,
    "--web.config.file=web.yml",
    "--log.level=warn",
  ];
  let child: ReturnType<typeof spawn> | undefined;
  const stop = async () => {
    const running = child;
    child = undefined;
    if (running === undefined || running.exitCode !== null) return;
    const exited = once(running, "exit");
    running.kill("SIGTERM");
    await exited;
  };
  const start = async () => {
    const running = spawn(binary ?? "prometheus", flags, { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
    child = running;
    let errors = "";
    running.stderr.setEncoding("utf8").on("data", (text: string) => {
      errors = (errors + text).slice(-10_000);
    });
    await until(async () => {
      if (running.exitCode !== null) throw new Error(`Prometheus ended: ${errors}`);
      return web === undefined ? isReady(port) : isListening(port);
    });
  };
  t.after(async () => {
    await stop();
    rmSync(folder, { recursive: true, force: true });
  });
  await start();
  const running: RunningPrometheus = { url: `http://127.0.0.1:${port}`, stop, start };
  return running;
}

async function isReady(port: number): Promise<boolean> {
  const answer = await fetch(`http://127.0.0.1:${port}/-/ready`).catch(() => undefined);
  return answer?.status === 200;
}

/** By a connection: whoever bound the port for a look would be in Prometheus' way. */
async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  const isOpen = await new Promise<boolean>((resolve) => {
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
  });
  socket.destroy();
  return isOpen;
}

/** Prometheus does not tell which port it has taken, so it is given one that was free. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}
