import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { encodeAccessLogMessage } from "@fenceline/als";
import { until } from "@fenceline/api/testing";
import { pino } from "pino";
import { CAPTURED_MESH } from "../testing/mesh.ts";
import { type RunningCollector, startCollector } from "../testing/running-collector.ts";

const HOST = "b.test1.svc.cluster.local";
const STATE = "state/test1/ServiceFence-a.yaml";
const CALL = encodeAccessLogMessage({
  identifier: { logName: "fenceline/test1/a", node: { id: "sidecar~a" } },
  entries: [{ authority: HOST, upstreamCluster: `outbound|80||${HOST}`, responseCode: 200, requests: 1 }],
});

const shows = (running: RunningCollector) => running.read("rendered/test1/Sidecar-a.yaml").includes(`test1/${HOST}`);
const knows = (running: RunningCollector) => running.read(STATE).includes(HOST);

async function learned(t: TestContext, manifests = CAPTURED_MESH) {
  const told: string[] = [];
  const logger = pino({}, { write: (line: string) => void told.push(JSON.parse(line).msg) });
  const running = await startCollector(t, manifests, undefined, { logger });
  await running.send([CALL]);
  await running.collector.idle();
  assert.deepEqual([shows(running), knows(running)], [true, true]);
  return { ...running, told, state: join(running.folder, STATE) };
}

test("issue 16 deleting a state file while running forgets what the fence has learned, once, over a restart; what is called again is learned again", async (t) => {
  const running = await learned(t);
  rmSync(running.state);
  await until(() => existsSync(running.state) && !knows(running) && !shows(running));
  await running.collector.idle();
  const [, asked] = /resetAsked: (\S+)/.exec(running.read(STATE)) ?? [];
  assert.ok(asked !== undefined && running.read(STATE).includes(`resetAnswered: ${asked}`));
  assert.deepEqual(
    running.told.filter((msg) => msg.startsWith("fence was reset")),
    ["fence was reset, what it had learned is forgotten"],
  );
  await running.send([CALL]);
  await running.collector.idle();
  const again = await running.restart();
  assert.deepEqual([shows(again), knows(again)], [true, true]);
  assert.match(again.read(STATE), new RegExp(`resetAnswered: ${asked}`));
});

test("issue 16 what the spec declares stays, and a warm-up is not put in again", async (t) => {
  const running = await learned(
    t,
    CAPTURED_MESH.replace("{enable: true}", "{enable: true, host: {d.test1: {}}, warmUp: {preload: [web.shop]}}"),
  );
  assert.match(running.read("rendered/test1/Sidecar-a.yaml"), /web\.shop/);
  rmSync(running.state);
  await until(() => existsSync(running.state) && !knows(running) && !shows(running));
  await running.collector.idle();
  assert.doesNotMatch(running.read("rendered/test1/Sidecar-a.yaml"), /web\.shop/);
  assert.match(running.read(STATE), /d\.test1/);
});

test("issue 16 T-20 with its state file a deleted fence is forgotten within the grace period, and comes back with nothing", async (t) => {
  const running = await learned(t);
  rmSync(join(running.folder, "mesh.yaml"));
  await until(() => running.read(STATE).includes("deletedAt"), 20_000);
  await running.collector.idle();
  rmSync(running.state);
  await until(() => running.told.includes("what a deleted fence had learned is forgotten"));
  running.write("mesh.yaml", CAPTURED_MESH);
  await until(() => running.read("rendered/test1/Sidecar-a.yaml") !== "");
  await running.collector.idle();
  assert.deepEqual([shows(running), knows(running)], [false, false]);
});

test("issue 16 T-22 a state file that somebody damages while running forgets nothing, and is whole again with the next call", async (t) => {
  const running = await learned(t);
  writeFileSync(running.state, "domains: [");
  await running.send([CALL]);
  await running.collector.idle();
  assert.ok(shows(running));
  const again = await running.restart();
  assert.ok(shows(again), readFileSync(running.state, "utf8"));
});

test("issue 16 deleting a state file while nothing runs forgets as well", async (t) => {
  const running = await learned(t);
  const again = await running.restart(() => rmSync(running.state));
  await again.collector.idle();
  assert.deepEqual([shows(again), knows(again)], [false, false]);
});

for (const [what, damage] of Object.entries<(state: string) => void>({
  "cut its state off": (state) => writeFileSync(state, "domains: ["),
  "overwrote its state": (state) => writeFileSync(state, Buffer.from([0, 255, 1])),
  "took the folder of all states away": (state) => rmSync(join(state, "../.."), { recursive: true }),
}))
  test(`issue 16 T-22 where somebody ${what} while nothing ran, what is rendered says what was learned`, async (t) => {
    const running = await learned(t);
    const again = await running.restart(() => damage(running.state));
    await again.collector.idle();
    assert.deepEqual([shows(again), knows(again)], [true, true]);
  });
