import assert from "node:assert/strict";
import { test } from "node:test";
import { SERVICE, SERVICE_CIDR } from "@fenceline/api";
import { until } from "@fenceline/api/testing";
import { SERVICE_CIDRS, SERVICES } from "./testing/resources.ts";
import { openStore } from "./testing/store-under-test.ts";

const range = (name: string, ...cidrs: string[]) => ({ metadata: { name }, spec: { cidrs } });

test("T-05 the ranges of Services are observed, and a change of them is told", async (t) => {
  const { server, store, settled, snapshots } = await openStore(t, (fake) => fake.put(SERVICE_CIDRS, range("kubernetes", "10.96.0.0/12")));
  const ranges = () =>
    store
      .snapshot()
      .of(SERVICE_CIDR)
      .flatMap(({ spec }) => spec?.cidrs ?? []);
  assert.deepEqual(ranges(), ["10.96.0.0/12"]);
  server.put(SERVICE_CIDRS, range("more", "10.112.0.0/16", "fd00:10:96::/112"));
  await settled(() => snapshots() > 0);
  await until(() => ranges().length === 3);
  server.remove(SERVICE_CIDRS, { name: "kubernetes" });
  await until(() => ranges().length === 2);
});

test("T-05 a cluster older than the kind misses nothing else, and logs nothing about it; a right that is missing is told", async (t) => {
  const old = await openStore(t, (fake) => {
    fake.uninstall(SERVICE_CIDRS);
    fake.put(SERVICES, { metadata: { namespace: "test1", name: "b" }, spec: { ports: [{ port: 80 }] } });
  });
  assert.deepEqual([old.store.snapshot().of(SERVICE_CIDR), old.store.snapshot().of(SERVICE).length, old.troubles], [[], 1, []]);
  assert.equal(old.store.health().find(({ kind }) => kind === "ServiceCIDR")?.absent, true);
  const { store, troubles } = await openStore(t, (fake) => fake.forbid(SERVICE_CIDRS, "GET"));
  assert.deepEqual(store.snapshot().of(SERVICE_CIDR), []);
  assert.deepEqual(
    troubles.map(({ code }) => code),
    ["KUBERNETES_FORBIDDEN"],
  );
});
