import assert from "node:assert/strict";
import { test } from "node:test";
import { FENCE_API_VERSIONS, type FencelineError, SERVICE_FENCE } from "@fenceline/api";
import { ownObjectReader } from "./read-own-object.ts";

const HOST = "b.test1.svc.cluster.local";
const manyHosts = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`h${index}`, {}]));
const fence = (domains: object) => ({
  apiVersion: FENCE_API_VERSIONS[0],
  kind: "ServiceFence",
  metadata: { namespace: "test1", name: "a", uid: "1", resourceVersion: "1" },
  spec: {},
  status: { domains },
});

test("T-11 of a status with hundreds of thousands of hosts 20,000 are read, what was learned among them, and it is told once", () => {
  const told: FencelineError[] = [];
  const read = ownObjectReader(SERVICE_FENCE, (error) => told.push(error));
  const first = read(fence({ [HOST]: { source: "learned" } }), undefined);
  const flooded = read(fence({ ...manyHosts(200_000), [HOST]: { source: "learned" } }), first);
  assert.deepEqual(flooded.status.domains[HOST], { source: "learned" });
  assert.equal(Object.keys(flooded.status.domains).length, 20_000);
  const again = read(fence({ ...manyHosts(200_000), [HOST]: { source: "learned" } }), flooded);
  assert.deepEqual(again.status, flooded.status);
  assert.deepEqual(
    told.map(({ code }) => code),
    ["STATUS_PARTLY_UNREADABLE"],
  );
  assert.match(told[0]?.message ?? "", /domains and 180000 more/);
});

test("T-52 statuses that become unreadable again and again have few lines for each namespace, and take none of another's", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const told: FencelineError[] = [];
  const read = ownObjectReader(SERVICE_FENCE, (error) => told.push(error));
  const inNamespace = (namespace: string, name: string, domains: object) => {
    const object = fence(domains);
    read({ ...object, metadata: { ...object.metadata, namespace, name } }, undefined);
  };
  for (let times = 0; times < 100; times += 1) {
    for (let index = 0; index < 50; index += 1) inNamespace("evil", `f${index}`, times % 2 === 0 ? { [HOST]: times } : {});
  }
  assert.equal(told.length, 3);
  inNamespace("test1", "a", { [HOST]: 5 });
  assert.match(told.at(-1)?.message ?? "", /ServiceFence test1\/a/);
  t.mock.timers.tick(1_000);
  assert.match(told.at(-1)?.message ?? "", /ServiceFence evil\/\*.*not told one by one: 2497 more/);
});

for (const [field, specOf] of Object.entries({
  "spec.host": (count: number) => ({ host: manyHosts(count) }),
  "spec.namespaceSelector": (count: number) => ({ namespaceSelector: Object.keys(manyHosts(count)) }),
  "spec.labelSelector[0].selector": (count: number) => ({
    labelSelector: [{ selector: Object.fromEntries(Object.keys(manyHosts(count)).map((key) => [key, "x"])) }],
  }),
})) {
  test(`T-08 10,000 entries of ${field} are read, and one more is a fault of the fence that names it`, () => {
    const read = ownObjectReader(SERVICE_FENCE, () => {});
    read({ ...fence({}), spec: specOf(10_000) }, undefined);
    assert.throws(
      () => read({ ...fence({}), spec: specOf(10_001) }, undefined),
      (error: FencelineError) => {
        assert.deepEqual([error.code, error.at], ["FENCE_INVALID", { object: "ServiceFence test1/a", path: field }]);
        return true;
      },
    );
  });
}
