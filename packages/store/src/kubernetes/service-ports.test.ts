import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { SERVICE, type ServicePort } from "@fenceline/api";
import type { FakeApiServer, RecordedRequest } from "@fenceline/kubernetes/testing";
import { SERVICES } from "./testing/resources.ts";
import { openStore, openStoreOn } from "./testing/store-under-test.ts";

const KEY = { namespace: "fenceline", name: "global-sidecar" };
const CHART_PORT = { name: "http-80", port: 80, protocol: "TCP", targetPort: 18_080 } as const;
const isWrite = ({ method }: RecordedRequest) => method === "PATCH";

function http(port: number): ServicePort {
  return { name: `http-${port}`, port, protocol: "TCP", targetPort: 18_080 };
}

function chartWith(...ports: readonly ServicePort[]): object {
  return { metadata: KEY, spec: { selector: { app: "global-sidecar" }, ports } };
}

async function storeWithService(t: TestContext) {
  const opened = await openStore(t, (server) => server.put(SERVICES, chartWith(CHART_PORT), "helm"));
  return { ...opened, ports: () => livePorts(opened.server) };
}

function livePorts(server: FakeApiServer): readonly ServicePort[] {
  return (server.get(SERVICES, KEY)?.spec as { ports?: readonly ServicePort[] } | undefined)?.ports ?? [];
}

test("ports are added beside those of the chart, by one unforced apply, and the next snapshot has them", async (t) => {
  const { server, store, ports } = await storeWithService(t);
  assert.equal(await store.ports.add(KEY, [http(8_080), http(9_090)]), true);
  assert.deepEqual(ports(), [CHART_PORT, http(8_080), http(9_090)]);
  const [write, ...more] = server.requests.filter(isWrite);
  assert.deepEqual([write?.query.get("fieldManager"), write?.query.get("force"), more.length], ["fenceline", null, 0]);
  assert.deepEqual(store.snapshot().of(SERVICE)[0]?.spec.ports, ports());
});

test("an apply names the ports of before, or they would go; another process, or another replica, finds out which those are", async (t) => {
  const { server, store, ports } = await storeWithService(t);
  await store.ports.add(KEY, [http(8_080)]);
  await store.ports.add(KEY, [http(9_090)]);
  const { store: restarted } = await openStoreOn(t, server);
  await restarted.ports.add(KEY, [http(7_070)]);
  assert.deepEqual(ports(), [CHART_PORT, http(8_080), http(9_090), http(7_070)]);
  const applied = server.requests.findLast(isWrite)?.body as { spec: object } | undefined;
  assert.deepEqual(applied?.spec, { ports: [http(8_080), http(9_090), http(7_070)] });
});

test("a port that somebody changed stays changed", async (t) => {
  const { server, store, ports } = await storeWithService(t);
  await store.ports.add(KEY, [http(8_080)]);
  const changed = { ...http(8_080), name: "http-mine", targetPort: 9_999 };
  server.put(SERVICES, { ...server.get(SERVICES, KEY), spec: { ports: [CHART_PORT, changed] } });
  await store.ports.add(KEY, [http(9_090)]);
  assert.deepEqual(ports(), [CHART_PORT, changed, http(9_090)]);
});

test("ports that are there already cause no write", async (t) => {
  const { server, store } = await storeWithService(t);
  assert.equal(await store.ports.add(KEY, [http(80)]), false);
  assert.equal(server.count("PATCH"), 0);
});

test("a Service that changed since it was read is read again", async (t) => {
  const { server, store, clock, ports } = await storeWithService(t);
  server.answer(isWrite, { status: 409, body: { code: 409, message: "the object has been modified" } });
  const writing = store.ports.add(KEY, [http(8_080)]);
  clock.advance(await clock.pauseBelow(1_000));
  assert.equal(await writing, true);
  assert.deepEqual(ports(), [CHART_PORT, http(8_080)]);
  assert.equal(server.requests.filter(({ method, path }) => method === "GET" && path.endsWith(`/${KEY.name}`)).length, 2);
});

test("a Service that is not there is not made", async (t) => {
  const { server, store } = await openStore(t);
  await assert.rejects(store.ports.add(KEY, [http(8_080)]), /KUBERNETES_NOT_FOUND/);
  assert.equal(server.get(SERVICES, KEY), undefined);
});

test("whoever does not lead, or lacks the right, writes nothing and says so", async (t) => {
  const { server, store, leadership, ports } = await storeWithService(t);
  server.answer(isWrite, { status: 403, body: { code: 403, message: "cannot patch" } });
  await assert.rejects(store.ports.add(KEY, [http(8_080)]), /KUBERNETES_FORBIDDEN.*cannot patch/);
  leadership.lose();
  await assert.rejects(store.ports.add(KEY, [http(8_080)]), /NOT_LEADER/);
  assert.deepEqual(ports(), [CHART_PORT]);
});

test("T-08 a port of ours is given up in the same write; one of the chart's, or one that is not there, is not", async (t) => {
  const { store, ports } = await storeWithService(t);
  await store.ports.add(KEY, [http(8_080), http(9_090)]);
  assert.equal(await store.ports.add(KEY, [http(7_070)], [8_080, 80, 1]), true);
  assert.deepEqual(
    ports().map(({ port }) => port),
    [80, 9_090, 7_070],
  );
  assert.equal(await store.ports.add(KEY, [], [80, 1]), false);
});
