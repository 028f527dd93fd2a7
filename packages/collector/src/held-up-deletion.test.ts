/** T-15, T-23: what is deleted and held up by finalizers of others is told, and asked for once. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SMART_LIMITER, type SmartLimiterStatus } from "@fenceline/api";
import { until } from "@fenceline/api/testing";
import { resourcesOf } from "@fenceline/kubernetes";
import type { FakeApiServer, Resource } from "@fenceline/kubernetes/testing";
import { ENVOY_FILTERS, FENCE, SERVICE_FENCES, SERVICES, SIDECARS } from "@fenceline/store/kubernetes/testing";
import { startCluster } from "./testing/cluster.ts";

const [FENCES] = SERVICE_FENCES as [Resource, Resource];
const [LIMITERS] = resourcesOf(SMART_LIMITER) as [Resource];
const LIMITER = { namespace: "test1", name: "b" };
const LIMITS = { namespace: "test1", name: "b.test1.ratelimit" };

/** From now on somebody else has to let an object go. */
function hold(server: FakeApiServer, resource: Resource, key: typeof FENCE): void {
  const { metadata, ...rest } = server.get(resource, key) as unknown as { readonly metadata: object };
  server.put(resource, { ...rest, metadata: { ...metadata, finalizers: ["example.com/audit"] } });
}

const deletions = (server: FakeApiServer) => server.requests.filter(({ method }) => method === "DELETE").length;
const mysql = (name: string) => ({ metadata: { name, namespace: "test1" }, spec: { ports: [{ name: "tcp-sql", port: 3306 }] } });

test("T-15 T-23 a Sidecar whose deletion a finalizer holds up is in force and told, is asked to go once, and its EnvoyFilter stays as long", async (t) => {
  const { server, condition, message, collector } = await startCluster(t);
  await until(() => condition("Enforced") === "True SidecarRendered");
  await collector.idle();
  hold(server, SIDECARS, FENCE);
  server.put(FENCES, { ...server.get(FENCES, FENCE), spec: { enable: false } });
  await until(() => condition("Ready") === "False DeletionHeldUp");
  assert.match(
    message("Ready"),
    /^Sidecar test1\/a is being deleted, and its finalizers hold that up: example\.com\/audit; until it is gone/,
  );
  assert.equal(condition("Enforced"), "True SidecarRemains");
  for (const name of ["first", "second"]) {
    server.put(SERVICES, mysql(name));
    await until(() => collector.mesh.registry.service("test1", name) !== undefined);
    collector.lead();
    await collector.idle();
  }
  assert.deepEqual([deletions(server), condition("Ready"), condition("Enforced")], [1, "False DeletionHeldUp", "True SidecarRemains"]);
  assert.ok(server.get(ENVOY_FILTERS, FENCE));
  server.remove(SIDECARS, FENCE);
  await until(() => condition("Enforced") === "False ModeOff" && condition("Ready") === "True Rendered");
  assert.equal(server.get(ENVOY_FILTERS, FENCE), undefined);
});

test("T-15 T-23 a Sidecar that is wanted again while its deletion is held up is there again once it has gone", async (t) => {
  const { server, condition, collector } = await startCluster(t);
  await until(() => condition("Enforced") === "True SidecarRendered");
  await collector.idle();
  hold(server, SIDECARS, FENCE);
  server.put(FENCES, { ...server.get(FENCES, FENCE), spec: { enable: false } });
  await until(() => condition("Ready") === "False DeletionHeldUp");
  server.put(FENCES, { ...server.get(FENCES, FENCE), spec: { enable: true } });
  await until(() => condition("Ready") === "True Rendered" && condition("Enforced") === "True SidecarRendered");
  await collector.idle();
  const before = server.requests.length;
  collector.lead();
  await collector.idle();
  assert.deepEqual(
    server.requests.slice(before).filter(({ path }) => path.includes("/sidecars/")),
    [],
  );
  server.remove(SIDECARS, FENCE);
  await until(() => server.get(SIDECARS, FENCE)?.metadata.deletionTimestamp === undefined && server.get(SIDECARS, FENCE) !== undefined);
  await until(() => condition("Ready") === "True Rendered");
});

test("T-15 T-23 an EnvoyFilter of limiters whose deletion a finalizer holds up still limits calls, is told, and is asked to go once", async (t) => {
  const rule = (condition: string) => ({ condition, action: { quota: "100", fillInterval: { seconds: 60 } } });
  const limiter = (condition: string) => ({
    metadata: { ...LIMITER, uid: "b" },
    spec: { sets: { _base: { descriptor: [rule(condition)] } }, workloadSelector: { app: "b" } },
  });
  const { server, collector } = await startCluster(t, (fake) => fake.put(LIMITERS, limiter("true")));
  const told = (type: string) => {
    const { conditions = [] } = (server.get(LIMITERS, LIMITER)?.status ?? {}) as SmartLimiterStatus;
    const { status, reason } = conditions.find((each) => each.type === type) ?? {};
    return `${status} ${reason}`;
  };
  await until(() => told("Active") === "True RulesInForce");
  await collector.idle();
  hold(server, ENVOY_FILTERS, LIMITS);
  server.put(LIMITERS, { ...server.get(LIMITERS, LIMITER), ...limiter("false") });
  await until(() => told("Rendered") === "False DeletionHeldUp");
  assert.equal(told("Active"), "True LimitsRemain");
  for (let times = 0; times < 3; times += 1) {
    collector.lead();
    await collector.idle();
  }
  assert.equal(deletions(server), 1);
  server.remove(ENVOY_FILTERS, LIMITS);
  await until(() => told("Rendered") === "True NothingToRender" && told("Active") === "False NoRuleInForce");
});
