import assert from "node:assert/strict";
import { test } from "node:test";
import { Registry as MetricsRegistry } from "prom-client";
import { collectedCounter, collectedGauge } from "./collected-metrics.ts";

const samplesOf = async (registry: MetricsRegistry) =>
  (await registry.metrics()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));

test("values are read at every scrape: one number, or those of labels, and what is gone is shown no more", async () => {
  const registry = new MetricsRegistry();
  let size = 3;
  let obstacles = ["conflict", "conflict", "forbidden"];
  collectedGauge(registry, { name: "size", help: "Size.", read: () => size });
  collectedCounter(registry, { name: "calls_total", help: "Calls.", read: () => 2 * size });
  collectedGauge(registry, {
    name: "obstacles",
    help: "Obstacles.",
    labelNames: ["reason"],
    read: () => obstacles.map((reason) => [{ reason }, 1]),
  });
  assert.deepEqual(await samplesOf(registry), [
    "size 3",
    "calls_total 6",
    'obstacles{reason="conflict"} 2',
    'obstacles{reason="forbidden"} 1',
  ]);
  size = 5;
  obstacles = ["forbidden"];
  assert.deepEqual(await samplesOf(registry), ["size 5", "calls_total 10", 'obstacles{reason="forbidden"} 1']);
});

test("what workers show together is their sum, or what the gauge says", async () => {
  const registry = new MetricsRegistry();
  collectedGauge(registry, { name: "sum", help: "Sum.", read: () => 1 });
  collectedGauge(registry, { name: "most", help: "Most.", aggregator: "max", read: () => 1 });
  const metrics = (await registry.getMetricsAsJSON()) as readonly { readonly name: string; readonly aggregator: string }[];
  assert.deepEqual(
    metrics.map(({ name, aggregator }) => [name, aggregator]),
    [
      ["sum", "sum"],
      ["most", "max"],
    ],
  );
});
