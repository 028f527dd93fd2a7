/** T-15, T-23: a limiter waits for the EnvoyFilter that another one left for the same pods. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { SMART_LIMITER, type SmartLimiterStatus } from "@fenceline/api";
import { until } from "@fenceline/api/testing";
import { resourcesOf } from "@fenceline/kubernetes";
import type { Resource } from "@fenceline/kubernetes/testing";
import { ENVOY_FILTERS } from "@fenceline/store/kubernetes/testing";
import { startCluster } from "../testing/cluster.ts";

const [LIMITERS] = resourcesOf(SMART_LIMITER) as [Resource];
const place = (name: string) => ({ name, namespace: "test1" });
const filterOf = (name: string) => place(`${name}.test1.ratelimit`);
const limiter = (name: string, created: string, app = "x") => ({
  metadata: { ...place(name), uid: name, creationTimestamp: created },
  spec: {
    sets: { _base: { descriptor: [{ condition: "true", action: { quota: "100", fillInterval: { seconds: 60 } } }] } },
    workloadSelector: { app },
  },
});

/** Limiters `old` and `young` for the same pods, whose rules stand in the EnvoyFilter of `old`. */
async function startTwo(t: TestContext) {
  const { server, collector } = await startCluster(t, (fake) => {
    fake.put(LIMITERS, limiter("old", "2026-01-01T00:00:00Z"));
    fake.put(LIMITERS, limiter("young", "2026-02-01T00:00:00Z"));
  });
  const conditionOf = (type: string) => {
    const { conditions = [] } = (server.get(LIMITERS, place("young"))?.status ?? {}) as SmartLimiterStatus;
    return conditions.find((each) => each.type === type);
  };
  const told = (type: string) => `${conditionOf(type)?.status} ${conditionOf(type)?.reason}`;
  await until(() => told("Rendered") === "True RenderedWithOthers" && told("Active") === "True RulesInForce");
  await collector.idle();
  return { server, collector, told, message: (type: string) => conditionOf(type)?.message ?? "" };
}

for (const how of ["is deleted", "has no rules any more"])
  test(`T-15 T-23 while the EnvoyFilter of a limiter that ${how} is held up, none that counts each call twice is beside it, and the next one says so`, async (t) => {
    const { server, collector, told, message } = await startTwo(t);
    const { metadata, ...rest } = server.get(ENVOY_FILTERS, filterOf("old")) as unknown as { readonly metadata: object };
    server.put(ENVOY_FILTERS, { ...rest, metadata: { ...metadata, finalizers: ["example.com/audit"] } });
    await collector.idle();
    if (how === "is deleted") server.remove(LIMITERS, place("old"));
    else server.put(LIMITERS, { ...(server.get(LIMITERS, place("old")) as object), spec: { sets: {} } });
    await until(() => told("Rendered") === "False OtherNotDeletedYet");
    await collector.idle();
    assert.match(message("Rendered"), /^EnvoyFilter old\.test1\.ratelimit of SmartLimiter old, .* limits their calls/);
    assert.equal(told("Active"), "True LimitsRemain");
    assert.equal(server.get(ENVOY_FILTERS, filterOf("young")), undefined);
    server.remove(ENVOY_FILTERS, filterOf("old"));
    await until(() => told("Rendered") === "True Written" && told("Active") === "True RulesInForce");
    assert.ok(server.get(ENVOY_FILTERS, filterOf("young")));
  });

test("T-15 a limiter waits until the EnvoyFilter of one that is to be for other pods, and cannot be written, is for these", async (t) => {
  const { server, told } = await startTwo(t);
  const mend = server.fail(({ method, path }) => method === "PATCH" && path.endsWith("/envoyfilters/old.test1.ratelimit"), {
    status: 500,
    body: { code: 500, message: "failed calling webhook" },
  });
  server.put(LIMITERS, { ...(server.get(LIMITERS, place("old")) as object), ...limiter("old", "2026-01-01T00:00:00Z", "y") });
  await until(() => told("Rendered") === "False OtherNotDeletedYet");
  assert.equal(server.get(ENVOY_FILTERS, filterOf("young")), undefined);
  mend();
  await until(() => told("Rendered") === "True Written" && told("Active") === "True RulesInForce");
});

test("T-15 a limiter that takes over from one that is deleted writes its EnvoyFilter once the other one is gone", async (t) => {
  const { server, told } = await startTwo(t);
  const before = server.requests.length;
  server.remove(LIMITERS, place("old"));
  await until(() => told("Rendered") === "True Written" && told("Active") === "True RulesInForce");
  const writes = server.requests
    .slice(before)
    .filter(({ path }) => path.includes("/envoyfilters/"))
    .map(({ method, path }) => `${method} ${path.split("/").at(-1)}`)
    .filter((each) => /^(DELETE old|PATCH young)/.test(each));
  assert.deepEqual(writes, ["DELETE old.test1.ratelimit", "PATCH young.test1.ratelimit"]);
});
