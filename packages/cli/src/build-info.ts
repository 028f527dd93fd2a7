import { readFileSync } from "node:fs";
import { Gauge, Registry as MetricsRegistry } from "prom-client";

/** The version of Fenceline that `--version` prints. */
export const VERSION: string = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")).version;

/**
 * `fenceline_build_info`, for the `/metrics` of every process: its version, for joins in
 * dashboards.
 */
export function buildInfo(): MetricsRegistry {
  const registry = new MetricsRegistry();
  const gauge = new Gauge({
    name: "fenceline_build_info",
    help: "Always 1; its labels are the version of Fenceline and of Node.",
    labelNames: ["version", "node"],
    registers: [registry],
  });
  gauge.set({ version: VERSION, node: process.versions.node }, 1);
  return registry;
}
