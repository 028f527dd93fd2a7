/** T-18: of several that are for the same pods one is in force, and the others say so. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Condition, Labels, Sidecar } from "@fenceline/api";
import { until } from "@fenceline/api/testing";
import type { FakeApiServer, Resource } from "@fenceline/kubernetes/testing";
import { ENVOY_FILTERS, FENCE, fence, SERVICE_FENCES, SERVICES, SIDECARS } from "@fenceline/store/kubernetes/testing";
import { startCluster } from "./testing/cluster.ts";
import { CAPTURED_MESH } from "./testing/mesh.ts";
import { startCollector } from "./testing/running-collector.ts";

const [FENCES, SLIMES] = SERVICE_FENCES as [Resource, Resource];
const LATER = { namespace: "test1", name: "later" };

/** A fence that is younger than `test1/a`. */
function later(labels: Labels, apiVersion = "microservice.slime.io/v1alpha1", spec: object = {}) {
  const metadata = { ...LATER, uid: "later", creationTimestamp: "2026-02-01T00:00:00Z" };
  return { ...fence(), apiVersion, metadata, spec: { enable: true, workloadSelector: { labels }, ...spec } };
}

function conditionOf(server: FakeApiServer, type: string, key = LATER, resource = FENCES): string {
  const { conditions = [] } = (server.get(resource, key)?.status ?? {}) as { readonly conditions?: readonly Condition[] };
  const found = conditions.find((condition) => condition.type === type);
  return found === undefined ? "" : `${found.status} ${found.reason}: ${found.message}`;
}

const isThere = (server: FakeApiServer, key = LATER) => [SIDECARS, ENVOY_FILTERS].map((each) => server.get(each, key) !== undefined);
const older = () => fence({ metadata: { ...FENCE, uid: "u1", creationTimestamp: "2026-01-01T00:00:00Z" } });

test("T-18 a younger fence with an equal or overlapping selector, of either group, is not rendered and names the older one, until that is gone", async (t) => {
  for (const [labels, group] of [
    [{ app: "a" }, FENCES],
    [{ app: "a", version: "v1" }, FENCES],
    [{ app: "a" }, SLIMES],
  ] as const) {
    const { server, condition, collector } = await startCluster(t, (fake) => {
      fake.put(FENCES, older());
      fake.put(group, later(labels, group.apiVersion));
    });
    await until(() => conditionOf(server, "Conflict", LATER, group).startsWith("True OtherFence: fence test1/a is for the same pods"));
    assert.match(conditionOf(server, "Ready", LATER, group), /^False Conflict: fence test1\/a is for the same pods/);
    assert.match(conditionOf(server, "Enforced", LATER, group), /^False Conflict/);
    assert.deepEqual(isThere(server), [false, false]);
    await until(() => condition("Enforced") === "True SidecarRendered");
    assert.equal(condition("Conflict"), "False NoOtherSidecar");
    await collector.idle();
    server.put(FENCES, { ...(server.get(FENCES, FENCE) as object), spec: { enable: false } });
    await until(() => conditionOf(server, "Enforced", LATER, group).startsWith("True SidecarRendered"));
    server.put(FENCES, { ...(server.get(FENCES, FENCE) as object), spec: { enable: true } });
    await until(() => isThere(server).every((there) => !there));
    server.remove(FENCES, FENCE);
    await until(() => conditionOf(server, "Ready", LATER, group).startsWith("True Rendered"));
    assert.match(conditionOf(server, "Conflict", LATER, group), /^False/);
  }
});

test("T-18 a fence names the API group of the older one where that is the other group, and only there", async (t) => {
  for (const [group, named] of [
    [SLIMES, true],
    [FENCES, false],
  ] as const) {
    const { server } = await startCluster(t, (fake) => {
      fake.put(FENCES, older());
      fake.put(group, later({ app: "a" }, group.apiVersion));
    });
    await until(() => conditionOf(server, "Conflict", LATER, group).startsWith("True OtherFence"));
    const message = conditionOf(server, "Conflict", LATER, group);
    assert.equal(message.includes("(test1/a is one of servicefences.microservice.slime.io)"), named, message);
    assert.equal(message.includes("servicefences."), named, message);
  }
});

test("T-18 fences for other pods, and ones whose labels no known pod has all of, are none of each other's business; a Service for both tells", async (t) => {
  const { server, condition } = await startCluster(t, (fake) => {
    fake.put(FENCES, older());
    fake.put(FENCES, later({ tier: "web" }));
  });
  await until(() => conditionOf(server, "Enforced").startsWith("True") && condition("Enforced") === "True SidecarRendered");
  const selector = { app: "a", tier: "web" };
  server.put(SERVICES, { metadata: { name: "both", namespace: "test1" }, spec: { selector, ports: [{ port: 80 }] } });
  // What tells is read with the next look at the fence.
  server.put(FENCES, {
    ...(server.get(FENCES, LATER) as object),
    spec: { enable: true, workloadSelector: { labels: { tier: "web" } }, maxHosts: 7 },
  });
  await until(() => conditionOf(server, "Conflict").startsWith("True OtherFence: fence test1/a"));
});

test("T-18 a conflict by other labels is found when a Service tells of such pods, and gone with it, without another look", async (t) => {
  const { server, condition } = await startCluster(t, (fake) => {
    fake.put(FENCES, older());
    fake.put(FENCES, later({ tier: "web" }));
  });
  await until(() => conditionOf(server, "Enforced").startsWith("True") && condition("Enforced") === "True SidecarRendered");
  const service = { metadata: { name: "both", namespace: "test1" }, spec: { selector: { app: "a" }, ports: [{ port: 80 }] } };
  server.put(SERVICES, service);
  server.put(SERVICES, { ...service, spec: { ...service.spec, selector: { app: "a", tier: "web" } } });
  await until(() => conditionOf(server, "Conflict").startsWith("True OtherFence: fence test1/a"));
  server.remove(SERVICES, service.metadata);
  await until(() => conditionOf(server, "Conflict").startsWith("False"));
  await until(() => isThere(server).every((there) => there));
});

test("T-18 a fence with the name of one of the other group says that it does not count, until that is gone", async (t) => {
  const slime = () => ({ ...fence(), apiVersion: SLIMES.apiVersion, metadata: { ...FENCE, uid: "slime", generation: 1 } });
  const { server, condition, collector } = await startCluster(t, (fake) => fake.put(SLIMES, slime()));
  const said = (type: string) => conditionOf(server, type, FENCE, SLIMES);
  await until(() => said("Ready").startsWith("False Shadowed: the servicefences.microservice.slime.io of the same name counts"));
  assert.match(said("Conflict"), /^True Shadowed/);
  assert.match(said("Enforced"), /^False Shadowed/);
  await until(() => condition("Enforced") === "True SidecarRendered");
  await collector.idle();
  const writes = () => server.requests.filter(({ method, path }) => method === "PATCH" && path.includes("netease.com")).length;
  const before = writes();
  assert.equal(before, 1);
  server.put(SLIMES, { ...(server.get(SLIMES, FENCE) as object), spec: { enable: true, host: { "x.example": null } } });
  await collector.idle();
  assert.equal(writes(), before, "what it says already is not written again");

  server.remove(FENCES, FENCE);
  await until(() => said("Enforced").startsWith("True SidecarRendered") && said("Conflict").startsWith("False"));
  server.put(FENCES, fence());
  await until(() => said("Enforced").startsWith("False Shadowed"));
});

test("T-18 one that is not valid and does not count says both", async (t) => {
  const { server } = await startCluster(t, (fake) =>
    fake.put(SLIMES, { ...fence({ spec: { workloadSelector: 7 } }), apiVersion: SLIMES.apiVersion, metadata: { ...FENCE, uid: "slime" } }),
  );
  await until(() =>
    /^False SpecInvalid: spec\.workloadSelector.*of the same name counts/.test(conditionOf(server, "Ready", FENCE, SLIMES)),
  );
});

test("T-18 a Sidecar of others with an empty selector takes every pod of its namespace, and one with other labels those that have both", async (t) => {
  for (const selector of [{}, { labels: {} }]) {
    const { server, condition, message } = await startCluster(t, (fake) =>
      fake.put(SIDECARS, {
        metadata: { name: "all", namespace: "test1" },
        spec: { workloadSelector: selector, egress: [{ hosts: ["./*"] }] },
      }),
    );
    await until(() => condition("Conflict") === "True OtherSidecar");
    assert.deepEqual([condition("Ready"), condition("Enforced")], ["False Conflict", "False Conflict"]);
    assert.doesNotMatch(message("Enforced"), /sees the whole mesh/);
    assert.equal((server.get(SIDECARS, FENCE) as Sidecar | undefined)?.spec, undefined);
  }
  const { condition } = await startCluster(t, (fake) => {
    fake.put(SIDECARS, { metadata: { name: "web", namespace: "test1" }, spec: { workloadSelector: { labels: { tier: "web" } } } });
    fake.put(SERVICES, {
      metadata: { name: "s", namespace: "test1" },
      spec: { selector: { app: "a", tier: "web" }, ports: [{ port: 80 }] },
    });
  });
  await until(() => condition("Conflict") === "True OtherSidecar");
});

test("T-18 standalone, of two fences for the same pods the first by name is rendered", async (t) => {
  const second =
    "\n---\n{apiVersion: microservice.netease.com/v1alpha1, kind: ServiceFence, metadata: {name: a2, namespace: test1}, spec: {enable: true, workloadSelector: {labels: {app: a}}}}\n";
  const { collector, read } = await startCollector(t, CAPTURED_MESH + second);
  const conflict = (name: string) =>
    collector.reader.describe({ namespace: "test1", name })?.status.conditions?.find(({ type }) => type === "Conflict");
  assert.deepEqual([conflict("a")?.status, conflict("a2")?.reason], ["False", "OtherFence"]);
  assert.match(conflict("a2")?.message ?? "", /^fence test1\/a is for the same pods/);
  assert.ok(read("rendered/test1/Sidecar-a.yaml") !== "" && read("rendered/test1/Sidecar-a2.yaml") === "");
});
