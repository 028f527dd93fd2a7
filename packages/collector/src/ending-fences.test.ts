/** T-23: what is being deleted is left alone. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SMART_LIMITER } from "@fenceline/api";
import { until } from "@fenceline/api/testing";
import { resourcesOf } from "@fenceline/kubernetes";
import type { FakeApiServer, RecordedRequest, Resource } from "@fenceline/kubernetes/testing";
import { ENVOY_FILTERS, FENCE, fence, NAMESPACES, SERVICE_FENCES, SERVICES, SIDECARS } from "@fenceline/store/kubernetes/testing";
import { startCluster } from "./testing/cluster.ts";

const [FENCES] = SERVICE_FENCES as [Resource, Resource];
const [LIMITERS] = resourcesOf(SMART_LIMITER) as [Resource, ...Resource[]];
const deletionTimestamp = "2026-01-01T00:00:00Z";
const isOfOurs = ({ method, path }: RecordedRequest) => method !== "GET" && /\/(sidecars|envoyfilters|servicefences)\/a(\/|$)/.test(path);
const mysql = (name: string) => ({ metadata: { name, namespace: "test1" }, spec: { ports: [{ name: "tcp-sql", port: 3306 }] } });

/** As of now the fence is being deleted in the foreground, as Argo CD does it by default. */
function endFence(server: FakeApiServer): void {
  const { metadata, ...rest } = server.get(FENCES, FENCE) as unknown as { readonly metadata: object };
  server.put(FENCES, { ...rest, metadata: { ...metadata, deletionTimestamp, finalizers: ["foregroundDeletion"] } });
}

/** As of now everything in its namespace is being deleted. */
function endNamespace(server: FakeApiServer): void {
  server.put(NAMESPACES, { metadata: { name: "test1", deletionTimestamp } });
}

for (const [what, end] of [
  ["a fence that is being deleted in the foreground", endFence],
  ["a fence in a namespace that is being deleted", endNamespace],
] as const)
  test(`T-23 ${what} is left alone: what the garbage collector takes away is not put back`, async (t) => {
    const { server, condition, collector } = await startCluster(t);
    await until(() => condition("Enforced") === "True SidecarRendered");
    await collector.idle();
    end(server);
    await until(() => {
      const ended = [collector.mesh.fence(FENCE), collector.mesh.namespace("test1")];
      return ended.some((each) => each?.metadata.deletionTimestamp !== undefined);
    });
    const before = server.requests.filter(isOfOurs).length;
    // Two rounds, each with a change that would have the Sidecar written.
    for (const [resource, name] of [
      [SIDECARS, "first"],
      [ENVOY_FILTERS, "second"],
    ] as const) {
      server.remove(resource, FENCE);
      server.put(SERVICES, mysql(name));
      await until(() => collector.mesh.registry.service("test1", name) !== undefined);
      await collector.idle();
    }
    assert.equal(server.requests.filter(isOfOurs).length, before);
    assert.equal(server.get(SIDECARS, FENCE), undefined);
  });

test("T-23 a fence that is made again after its deletion is rendered", async (t) => {
  const { server, condition, collector } = await startCluster(t);
  await until(() => condition("Enforced") === "True SidecarRendered");
  endFence(server);
  server.remove(SIDECARS, FENCE);
  server.remove(ENVOY_FILTERS, FENCE);
  await collector.idle();
  server.remove(FENCES, FENCE);
  await until(() => collector.mesh.fence(FENCE) === undefined);
  server.put(FENCES, fence({ metadata: { ...FENCE, uid: "another" } }));
  await until(() => condition("Enforced") === "True SidecarRendered");
});

const LIMITER = { namespace: "test1", name: "b" };
const LIMITS = { namespace: "test1", name: "b.test1.ratelimit" };
const limiterOf = (metadata: object = {}) => ({
  metadata: { ...LIMITER, uid: "b", ...metadata },
  spec: { sets: { _base: { descriptor: [{ condition: "true", action: { fill_interval: { seconds: 60 }, quota: "100" } }] } } },
});

/** As of now the limiter is being deleted in the foreground. */
function endLimiter(server: FakeApiServer): void {
  const status = server.get(LIMITERS, LIMITER)?.status;
  server.put(LIMITERS, { ...limiterOf({ deletionTimestamp, finalizers: ["foregroundDeletion"] }), status });
}

for (const [what, end] of [
  ["a limiter that is being deleted in the foreground", endLimiter],
  ["a limiter in a namespace that is being deleted", endNamespace],
] as const)
  test(`T-23 ${what} is left alone, its status too`, async (t) => {
    const { server, collector, store } = await startCluster(t, (fake) => {
      fake.put(SERVICES, { metadata: LIMITER, spec: { selector: { app: "b" }, ports: [{ name: "http", port: 80 }] } });
      fake.put(LIMITERS, limiterOf());
    });
    const isLimited = () => JSON.stringify(server.get(LIMITERS, LIMITER)?.status ?? {}).includes('"Written"');
    await until(isLimited);
    await collector.idle();
    end(server);
    const ended = () => [store.objectOf(SMART_LIMITER, LIMITER), collector.mesh.namespace("test1")];
    await until(() => ended().some((each) => each?.metadata.deletionTimestamp !== undefined));
    await collector.idle();
    const isWrite = ({ method, path }: RecordedRequest) => method !== "GET" && /\/(smartlimiters|envoyfilters)\/b/.test(path);
    const before = server.requests.filter(isWrite).length;
    server.remove(ENVOY_FILTERS, LIMITS);
    server.put(SERVICES, mysql("first"));
    await until(() => collector.mesh.registry.service("test1", "first") !== undefined);
    // Whatever it reads has changed, and its status would say so.
    server.put(SERVICES, { metadata: LIMITER, spec: { selector: { app: "other" }, ports: [{ name: "http", port: 80 }] } });
    await until(() => collector.mesh.registry.service("test1", "b")?.spec.selector.app === "other");
    await collector.idle();
    assert.equal(server.requests.filter(isWrite).length, before);
    assert.ok(isLimited());
  });

test("T-23 the fallback's Service gets no port once its namespace is being deleted", async (t) => {
  const web = (port: number) => ({
    metadata: { name: `web-${port}`, namespace: "test1" },
    spec: { clusterIP: "10.0.0.5", ports: [{ name: "http", port }] },
  });
  const { server, collector } = await startCluster(t);
  server.put(SERVICES, web(8_080));
  await until(() => server.count("PATCH", SERVICES) === 1);
  server.put(NAMESPACES, { metadata: { name: "mesh-operator", deletionTimestamp } });
  await until(() => collector.mesh.namespace("mesh-operator") !== undefined);
  server.put(SERVICES, web(9_090));
  await until(() => collector.mesh.registry.service("test1", "web-9090") !== undefined);
  await collector.idle();
  assert.equal(server.count("PATCH", SERVICES), 1);
});
