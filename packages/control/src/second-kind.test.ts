/** A kind that lives in tests only, run by the controller over both stores as a fence is. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type ObjectRef, OWN_KINDS, type OwnKind, sidecarHosts } from "@fenceline/api";
import { until, VALVE } from "@fenceline/api/testing";
import { resourcesOf } from "@fenceline/kubernetes";
import { FakeApiServer } from "@fenceline/kubernetes/testing";
import { DirectoryStore, type Store } from "@fenceline/store";
import { KubernetesStore } from "@fenceline/store/kubernetes";
import { CONFIG_MAPS, ManualLeadership, MESH_CONFIG_MAP, SIDECARS } from "@fenceline/store/kubernetes/testing";
import { pino } from "pino";
import { Controller } from "./controller.ts";
import { KindDriver } from "./kind-driver.ts";
import { valves } from "./testing/index.ts";

const KINDS: readonly OwnKind[] = [...OWN_KINDS, VALVE];
const [VALVES] = resourcesOf(VALVE);
const A: ObjectRef = { kind: VALVE.name, namespace: "test1", name: "a" };
const valveOf = (spec: object) => ({
  apiVersion: "test.fenceline.io/v1",
  kind: "Valve",
  metadata: { name: "a", namespace: "test1" },
  spec,
});
const nothing = () => {};

/** A controller that runs valves. */
async function control(t: TestContext, store: Store) {
  const counter = { inc: nothing };
  const metrics = {
    ...{ reconciles: counter, writes: counter, statusWrites: counter, delayedWrites: counter, kindFaults: counter },
    ...{ observeObstacles: nothing, observeInFlight: nothing },
  };
  const logger = pino({ level: "silent" });
  const controller = new Controller({ store, metrics, logger, leads: () => true });
  const driver = new KindDriver({ driven: valves({ store }), controller, store, metrics, logger });
  store.onChange((changes) => driver.changed(changes));
  t.after(async () => {
    await driver.close();
    await controller.close();
    await store.close();
  });
  driver.refresh();
  await driver.start();
  return controller;
}

const hostsOf = (store: Store) => store.ownedBy(A).flatMap(sidecarHosts);
const shown = (store: Store) =>
  store
    .snapshot()
    .of(VALVE)
    .map(({ status }) => status.shown);

test("issue 14: a second kind in a folder is rendered, follows its spec, and leaves nothing behind", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-valve-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const write = (spec: object) => writeFileSync(join(folder, "valve.json"), JSON.stringify(valveOf(spec)));
  write({ app: "web", hosts: ["b", "c"] });
  const store = await DirectoryStore.open({ folder, kinds: KINDS, onRefused: assert.fail });
  const controller = await control(t, store);
  await controller.idle();
  assert.deepEqual([hostsOf(store), shown(store)], [["*/b", "*/c"], [2]]);
  write({ app: "web", hosts: ["b", "c"], most: 2 });
  write({ app: "web", hosts: ["d"] });
  await until(() => hostsOf(store).join() === "*/d" && shown(store).join() === "1");
  rmSync(join(folder, "valve.json"));
  await until(() => store.ownedBy(A).length === 0);
});

test("issue 14: a second kind in a cluster is rendered, follows its spec, and is put back when somebody changes it", async (t) => {
  const server = await FakeApiServer.start(t);
  server.put(CONFIG_MAPS, { metadata: MESH_CONFIG_MAP });
  const put = (spec: object) => server.put(VALVES, { ...valveOf(spec), ...server.get(VALVES, A), spec });
  put({ app: "web", hosts: ["b", "c"] });
  const store = await KubernetesStore.open({
    ...{ api: server.api(t), leadership: new ManualLeadership(), onTrouble: nothing, meshConfigMaps: [MESH_CONFIG_MAP], kinds: KINDS },
  });
  const controller = await control(t, store);
  await controller.idle();
  assert.deepEqual([hostsOf(store), shown(store)], [["*/b", "*/c"], [2]]);
  put({ app: "web", hosts: ["d"] });
  await until(() => hostsOf(store).join() === "*/d" && shown(store).join() === "1");
  const name = { namespace: "test1", name: "valve-a" };
  server.remove(SIDECARS, name);
  await until(() => server.get(SIDECARS, name) !== undefined);
});
