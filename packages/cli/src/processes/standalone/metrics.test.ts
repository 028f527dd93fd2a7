import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Config } from "@fenceline/api";
import { AddressTable } from "@fenceline/proxy";
import { PoolMetrics } from "@fenceline/proxy/testing/pool-metrics";
import { pino } from "pino";
import { undoAfter } from "../../testing/undo.ts";
import { refusalMetrics } from "../collector/api-guard.ts";
import { clusterMetrics } from "../collector/cluster-metrics.ts";
import { meshMetrics } from "../global-sidecar/mesh-metrics.ts";
import { startStandalone } from "./standalone.ts";

const DOCUMENT = join(import.meta.dirname, "../../../../../docs/metrics.md");

test("docs/metrics.md lists exactly the metrics that there are", async (t) => {
  const undo = undoAfter(t);
  const folder = mkdtempSync(join(tmpdir(), "fenceline-metrics-"));
  undo(() => rmSync(folder, { recursive: true }));
  const options = { folder, host: "127.0.0.1", proxyPort: 0, alsPort: 0, apiPort: 0, demo: false, config: Config.parse({}) };
  const fenceline = await startStandalone({ ...options, logger: pino({ level: "silent" }) });
  undo(() => fenceline.close());
  const text = await (await fetch(`http://127.0.0.1:${fenceline.apiPort}/metrics`)).text();
  const cluster = await clusterMetrics({ health: () => [], leads: () => false }).metrics();
  const workers = await new PoolMetrics(() => []).metrics();
  const mesh = await meshMetrics({ table: new AddressTable(), isConnected: () => false, age: () => 0 }).metrics();
  const guard = await refusalMetrics().metrics.metrics();
  const served = [...[text, cluster, workers, mesh, guard].join("\n").matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
  const documented = [...readFileSync(DOCUMENT, "utf8").matchAll(/^\| `(fenceline_\w+)`/gm)].map(([, name]) => name);
  assert.deepEqual(documented.sort(), served.sort());
});
