import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "@fenceline/api/testing";
import { CAPTURED_MESH, CONFIG } from "../testing/mesh.ts";
import { startCollector } from "../testing/running-collector.ts";
import { Deadlines } from "./deadlines.ts";

const A = { namespace: "test1", name: "a" };

test("T-27 what is due is told within a second of the wall clock's passing it, wherever that jumps; what is not, never", async (t) => {
  let now = 1_000;
  const told: string[] = [];
  const deadlines = new Deadlines({ now: () => now, due: ({ name }) => void told.push(name) });
  t.after(() => deadlines.close());
  deadlines.set(A, 1_000_000);
  deadlines.set({ ...A, name: "never" }, 2_000_000);
  deadlines.set({ ...A, name: "taken back" }, 1_000);
  deadlines.set({ ...A, name: "taken back" }, undefined);
  now = 1_000_000;
  const began = performance.now();
  await until(() => told.length > 0);
  assert.ok(performance.now() - began < 1_000);
  assert.deepEqual(told, ["a"]);
});

test("T-27 a host with a deadline leaves the Sidecar within a second or so of it, though ageing rounds are a minute apart", async (t) => {
  const deadline = Date.now() + 2_000;
  const { seconds, nanos } = { seconds: Math.trunc(deadline / 1_000), nanos: (deadline % 1_000) * 1e6 };
  const host = `host: {b.test1.svc.cluster.local: {deadline: {expire: {seconds: ${seconds}, nanos: ${nanos}}}}}`;
  const running = await startCollector(t, CAPTURED_MESH.replace("{enable: true}", `{enable: true, ${host}}`), undefined, {
    config: { ...CONFIG, ageing: { ...CONFIG.ageing, idleWindow: "24h" } },
  });
  const shows = () => running.read("rendered/test1/Sidecar-a.yaml").includes("test1/b.test1.svc.cluster.local");
  assert.ok(shows());
  await until(() => !shows());
  assert.ok(Date.now() >= deadline, `${deadline - Date.now()} ms early`);
  assert.ok(Date.now() - deadline < 3_000, `${Date.now() - deadline} ms late`);
});
