/**
 * The whole collector over a directory store: access logs, registry, edge book, fences rendered to
 * disk.
 *
 * Usage: fenceline-collector.ts FOLDER. Prints `{"port":…}`, then for each line on standard input
 * `{"entries":…,"edges":…}`.
 */
import { createInterface } from "node:readline";
import { Config } from "@fenceline/api";
import { Collector } from "@fenceline/collector";
import { DirectoryStore } from "@fenceline/store";
import { pino } from "pino";
import { FALLBACK_TOKEN } from "../fallback-token.ts";

const [folder = "."] = process.argv.slice(2);
const logger = pino({ level: "error" }, pino.destination(2));
const anyPort = { host: "127.0.0.1", port: 0 };
const store = await DirectoryStore.open({ folder, onRefused: (error) => logger.error(error) });
// There is no Envoy in front of it, so no caller has a certificate.
const config = Config.parse({ telemetry: { acceptPlaintext: true } });
const fallbackToken = (token: string) => token === FALLBACK_TOKEN;
const collector = await Collector.start({ store, config, logger, accessLogs: anyPort, fallbackToken });

process.once("SIGTERM", () => void collector.close().then(() => process.exit(0)));
console.log(JSON.stringify({ port: collector.accessLogPort }));

for await (const _ of createInterface({ input: process.stdin })) {
  const metrics = await collector.metrics.metrics();
  const entries = sum(metrics, "fenceline_access_log_entries_total") - sum(metrics, "fenceline_access_log_entries_dropped_total");
  console.log(JSON.stringify({ entries, edges: sum(metrics, "fenceline_edges") }));
}

/** Sum of a metric over its labels. */
function sum(metrics: string, name: string): number {
  const lines = metrics.split("\n").filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
  return lines.reduce((total, line) => total + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
}
