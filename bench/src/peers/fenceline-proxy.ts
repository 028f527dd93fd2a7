/**
 * The global sidecar as a cluster runs it, one worker thread and the reporter beside it.
 *
 * Usage: fenceline-proxy.ts UPSTREAM_PORT COLLECTOR_PORT. Prints `{"port":…}`, then for each line
 * on standard input how many requests are in flight.
 */
import { createInterface } from "node:readline";
import { createEdgeReporter } from "@fenceline/als";
import { WorkerPool } from "@fenceline/proxy/worker-pool";
import { pino } from "pino";
import { FALLBACK_TOKEN } from "../fallback-token.ts";
import type { WorkerSettings } from "./fenceline-worker.ts";

const [upstreamPort = 0, collectorPort] = process.argv.slice(2).map(Number);
const reporter = createEdgeReporter({ target: `127.0.0.1:${collectorPort}`, nodeId: "global-sidecar~bench", token: () => FALLBACK_TOKEN });
const settings: WorkerSettings = { upstreamPort };
const pool = await WorkerPool.start({
  module: new URL("./fenceline-worker.ts", import.meta.url),
  settings,
  workers: 1,
  host: "127.0.0.1",
  port: 0,
  reporter,
  logger: pino({ level: "warn" }, pino.destination(2)),
});

process.once("SIGTERM", () => {
  void Promise.all([pool.close({ deadline: 500 }), reporter.close(500)]).then(() => process.exit(0));
});
console.log(JSON.stringify({ port: pool.port }));

for await (const _ of createInterface({ input: process.stdin })) {
  const [, inFlight] = /^fenceline_proxy_requests_in_flight (\d+)$/m.exec(await pool.metrics.metrics()) ?? [];
  console.log(JSON.stringify({ inFlight: Number(inFlight) }));
}
