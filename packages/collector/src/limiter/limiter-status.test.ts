/** T-15, T-13: conditions of a SmartLimiter say what was read back, and its status has a size. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { SMART_LIMITER, type SmartLimiterStatus } from "@fenceline/api";
import { until } from "@fenceline/api/testing";
import { resourcesOf } from "@fenceline/kubernetes";
import type { FakeApiServer, RecordedRequest, Resource } from "@fenceline/kubernetes/testing";
import { ENDPOINT_SLICES, ENVOY_FILTERS, NAMESPACES, SERVICES } from "@fenceline/store/kubernetes/testing";
import { startCluster } from "../testing/cluster.ts";

const [LIMITERS] = resourcesOf(SMART_LIMITER) as [Resource];
const place = (name: string) => ({ name, namespace: "test1" });
const FILTER = { name: "a.test1.ratelimit", namespace: "test1" };
const rule = (quota = "100", more: object = {}) => ({ condition: "true", action: { quota, fillInterval: { seconds: 60 } }, ...more });
const limiter = (name: string, descriptor: readonly object[], more: object = {}, metadata: object = {}) => ({
  metadata: { ...place(name), uid: name, generation: 1, ...metadata },
  spec: { sets: { _base: { descriptor } }, workloadSelector: { app: "a" }, ...more },
});
const ofLimiter = ({ method, path }: RecordedRequest) => method === "PATCH" && path.endsWith("/envoyfilters/a.test1.ratelimit");
const webhookDown = { status: 500, body: { code: 500, message: "failed calling webhook: connection refused" } };

function reading(server: FakeApiServer) {
  const statusOf = (name: string) => (server.get(LIMITERS, place(name))?.status ?? {}) as SmartLimiterStatus;
  const of = (name: string, type: string) => statusOf(name).conditions?.find((each) => each.type === type);
  const condition = (type: string, name = "a") => `${of(name, type)?.status} ${of(name, type)?.reason}`;
  return { statusOf, condition, message: (type: string, name = "a") => of(name, type)?.message ?? "" };
}

async function start(t: TestContext, prepare: (server: FakeApiServer) => void) {
  const cluster = await startCluster(t, prepare);
  return { server: cluster.server, collector: cluster.collector, ...reading(cluster.server) };
}

test("T-15 a limiter of which nothing can be written is neither rendered nor active, and recovers by itself", async (t) => {
  let mend = () => {};
  const { server, condition, message } = await start(t, (fake) => {
    mend = fake.fail(ofLimiter, webhookDown);
    fake.put(LIMITERS, limiter("a", [rule()]));
  });
  await until(() => condition("Rendered") === "False WebhookFailed");
  assert.equal(condition("Active"), "False NotWrittenYet");
  assert.match(message("Active"), /1 of 1 rules are to limit calls, and are not written/);
  mend();
  await until(() => condition("Rendered") === "True Written" && condition("Active") === "True RulesInForce");
  assert.ok(server.get(ENVOY_FILTERS, FILTER));
});

test("T-15 a limiter whose EnvoyFilter is there and cannot be brought up to date still limits calls, and says that it is not rendered", async (t) => {
  const { server, condition } = await start(t, (fake) => fake.put(LIMITERS, limiter("a", [rule()])));
  await until(() => condition("Active") === "True RulesInForce");
  const mend = server.fail(ofLimiter, webhookDown);
  server.put(LIMITERS, { ...server.get(LIMITERS, place("a")), ...limiter("a", [rule("7")], {}, { generation: 2 }) });
  await until(() => condition("Rendered") === "False WebhookFailed");
  assert.equal(condition("Active"), "True RulesInForce");
  mend();
  await until(() => condition("Rendered") === "True Written");
});

test("T-15 a rule for pods that nobody knows limits nothing, and the limiter says so, until they are known", async (t) => {
  const { server, condition } = await start(t, (fake) => fake.put(LIMITERS, limiter("a", [rule()], { workloadSelector: {} })));
  await until(() => condition("ResolvedRefs") === "False PodsUnknown");
  assert.deepEqual([condition("Rendered"), condition("Active")], ["False PodsUnknown", "False NoRuleInForce"]);
  server.put(SERVICES, { metadata: place("a"), spec: { selector: { app: "a" }, ports: [{ name: "http", port: 80 }] } });
  await until(() => condition("Rendered") === "True Written" && condition("Active") === "True RulesInForce");
});

test("T-15 a rule that stands in another limiter's EnvoyFilter is in force once that is written", async (t) => {
  let mend = () => {};
  const { condition } = await start(t, (fake) => {
    mend = fake.fail(ofLimiter, webhookDown);
    fake.put(LIMITERS, limiter("a", [rule()], {}, { creationTimestamp: "2026-01-01T00:00:00Z" }));
    fake.put(LIMITERS, limiter("b", [rule("5")], {}, { creationTimestamp: "2026-02-01T00:00:00Z" }));
  });
  await until(() => condition("Rendered", "b") === "False NotWrittenYet");
  assert.equal(condition("Active", "b"), "False NotWrittenYet");
  mend();
  await until(() => condition("Rendered", "b") === "True RenderedWithOthers" && condition("Active", "b") === "True RulesInForce");
});

test("T-15 an EnvoyFilter of a limiter that somebody deletes, and that cannot be written again, limits nothing", async (t) => {
  const { server, condition } = await start(t, (fake) => fake.put(LIMITERS, limiter("a", [rule()])));
  await until(() => condition("Active") === "True RulesInForce");
  const mend = server.fail(ofLimiter, webhookDown);
  server.remove(ENVOY_FILTERS, FILTER);
  await until(() => condition("Rendered") === "False WebhookFailed" && condition("Active") === "False NotWrittenYet");
  mend();
  await until(() => condition("Rendered") === "True Written" && condition("Active") === "True RulesInForce");
});

const CONDITIONS = ["ResolvedRefs", "Rendered", "Active", "Stale"] as const;
const LIMITED = ["True PodsKnown", "True Written", "True RulesInForce", "False ValuesKnown"];
const LOST = "Unknown NotPermitted";

for (const [resource, unknown] of [
  [ENVOY_FILTERS, ["Rendered", "Active"]],
  [NAMESPACES, ["Rendered"]],
  [SERVICES, ["ResolvedRefs", "Stale"]],
  [ENDPOINT_SLICES, ["Stale"]],
] as const)
  test(`T-15 what was read for a limiter before the right to read ${resource.plural} was lost proves nothing, and no condition says that it does`, async (t) => {
    const { server, condition, message } = await start(t, (fake) => {
      fake.put(SERVICES, { metadata: place("a"), spec: { selector: { app: "a" }, ports: [{ name: "http", port: 80 }] } });
      const metadata = { ...place("a-1"), labels: { "kubernetes.io/service-name": "a" } };
      fake.put(ENDPOINT_SLICES, { metadata, endpoints: [{ addresses: ["10.0.1.1"] }], ports: [{ name: "http", port: 8080 }] });
      fake.put(LIMITERS, limiter("a", [rule("100/{{._base.pod}}")], { workloadSelector: {} }));
    });
    const told = () => CONDITIONS.map((type) => condition(type));
    await until(() => isDeepStrictEqual(told(), LIMITED));
    const grant = server.forbid(resource, "GET");
    server.endWatches(resource);
    const lost = CONDITIONS.map((type, at) => ((unknown as readonly string[]).includes(type) ? LOST : LIMITED[at]));
    await until(() => isDeepStrictEqual(told(), lost));
    const advice = new RegExp(`^the collector may not read \\w+: grant it get, list and watch of ${resource.plural}`);
    assert.match(message(unknown[0]), advice);
    grant();
    await until(() => isDeepStrictEqual(told(), LIMITED));
  });

for (const [what, spec] of [
  ["emptied", { workloadSelector: { labels: { app: "a" } } }],
  [
    "for other pods",
    { workloadSelector: { labels: { app: "z" } }, configPatches: [{ applyTo: "CLUSTER", patch: { operation: "MERGE", value: {} } }] },
  ],
] as const)
  test(`T-15 an EnvoyFilter of a limiter that somebody has ${what}, and that cannot be written again, limits nothing`, async (t) => {
    const { server, condition } = await start(t, (fake) => fake.put(LIMITERS, limiter("a", [rule()])));
    await until(() => condition("Active") === "True RulesInForce");
    const mend = server.fail(ofLimiter, webhookDown);
    server.put(ENVOY_FILTERS, { ...server.get(ENVOY_FILTERS, FILTER), spec });
    await until(() => condition("Rendered") === "False WebhookFailed" && condition("Active") === "False NotWrittenYet");
    mend();
    await until(() => condition("Rendered") === "True Written" && condition("Active") === "True RulesInForce");
  });

test("T-15 an EnvoyFilter of a limiter that is not wanted any more limits calls until it is deleted, and the limiter says so", async (t) => {
  const { server, condition } = await start(t, (fake) => fake.put(LIMITERS, limiter("a", [rule()])));
  await until(() => condition("Active") === "True RulesInForce");
  let tries = 0;
  const isDeletion = ({ method }: RecordedRequest) => method === "DELETE";
  const release = server.hold((request) => isDeletion(request) && ++tries > 1);
  server.answer(isDeletion, { status: 500, body: { code: 500, message: "an error on the server" } });
  const off = limiter("a", [rule("100", { condition: "false" })], {}, { generation: 2 });
  server.put(LIMITERS, { ...server.get(LIMITERS, place("a")), ...off });
  await until(() => condition("Rendered") === "False NotDeletedYet");
  assert.equal(condition("Active"), "True LimitsRemain");
  release();
  await until(() => condition("Rendered") === "True NothingToRender" && condition("Active") === "False NoRuleInForce");
  assert.equal(server.get(ENVOY_FILTERS, FILTER), undefined);
});

test("issue 17: gauges count limiters by what their conditions say, those of which there is none included", async (t) => {
  const cluster = await startCluster(t, (fake) => {
    fake.put(LIMITERS, limiter("a", [rule()]));
    fake.put(LIMITERS, limiter("b", [rule("1 +")]));
    fake.put(LIMITERS, { ...limiter("c", []), spec: { sets: 7 } });
  });
  const gauge = (condition: string, status: string) =>
    new RegExp(`^fenceline_limiters_by_condition\\{condition="${condition}",status="${status}"\\} (\\d+)$`, "m");
  const count = async (condition: string, status: string) => gauge(condition, status).exec(await cluster.metrics())?.[1];
  await until(async () => (await count("Accepted", "False")) === "2" && (await count("Accepted", "True")) === "1");
  await until(async () => (await count("Active", "True")) === "1");
  assert.equal(await count("Stale", "True"), "0");
});

test("T-13 a status of a limiter that is refused as too large comes with less in it, and says so", async (t) => {
  const name = (at: number) => `rule-${at}`;
  const match = [{ name: "x-user", exactMatch: "v".repeat(200) }];
  const rules = Array.from({ length: 50 }, (_, at) => rule("10", { name: name(at), match }));
  const isLarge = ({ method, path, body }: RecordedRequest) =>
    method === "PATCH" && path.endsWith("/smartlimiters/a/status") && JSON.stringify(body).length > 9_000;
  const { server, condition, statusOf } = await start(t, (fake) => {
    fake.fail(isLarge, { status: 500, body: { code: 500, message: "etcdserver: request is too large" } });
    fake.put(LIMITERS, limiter("a", rules));
  });
  await until(() => condition("StatusComplete") === "False TooLarge");
  assert.equal(condition("Rendered"), "True Written");
  assert.equal(statusOf("a").ratelimitStatus, undefined);
  assert.equal(statusOf("a").rules?.length, 50);
  assert.ok(server.get(ENVOY_FILTERS, FILTER));
});
