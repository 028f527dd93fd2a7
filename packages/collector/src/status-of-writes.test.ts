/** T-15: conditions say what was read back, whatever a write comes to. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { until } from "@fenceline/api/testing";
import type { FakeApiServer, RecordedRequest, Resource, ScriptedAnswer } from "@fenceline/kubernetes/testing";
import { ENDPOINT_SLICES, ENVOY_FILTERS, FENCE, fence, SERVICE_FENCES, SERVICES, SIDECARS } from "@fenceline/store/kubernetes/testing";
import { startCluster } from "./testing/cluster.ts";
import { CAPTURED_MESH } from "./testing/mesh.ts";
import { startCollector } from "./testing/running-collector.ts";

const [FENCES] = SERVICE_FENCES as [Resource, Resource];
const isRendering = ({ method, path }: RecordedRequest) => method === "PATCH" && path.includes("networking.istio.io");
const isStatus = ({ method, path }: RecordedRequest) => method === "PATCH" && path.endsWith("/status");
const failure = (status: number, message: string): ScriptedAnswer => ({ status, body: { code: status, message } });
const statusWrites = (server: FakeApiServer) => server.requests.filter(isStatus).length;

const FAILURES = [
  [failure(500, 'failed calling webhook "rev.validation.istio.io": connection refused'), "WebhookFailed", /ready endpoints/],
  [failure(429, "too many requests"), "Throttled", /overloaded/],
  [failure(500, "an error on the server"), "ServerFailed", /tried again/],
  [failure(413, "Request entity too large: limit is 3145728"), "WriteTooLarge", /fewer hosts/],
  [failure(500, "etcdserver: request is too large"), "WriteTooLarge", /fewer hosts/],
  [failure(403, "forbidden: exceeded quota: q, requested: count/x=1, used: 1"), "QuotaExceeded", /raise the ResourceQuota/],
  [
    failure(403, "unable to create new content in namespace test1 because it is being terminated"),
    "NamespaceTerminating",
    /nothing is to be/,
  ],
  [failure(403, "ValidatingAdmissionPolicy 'p' denied request: no"), "WriteForbidden", /ask who runs the policy/],
] as const;

for (const [answer, reason, advice] of FAILURES)
  test(`T-15 a fence of which nothing can be written says so: ${reason}, ${JSON.stringify(answer).slice(0, 60)}`, async (t) => {
    let mend = () => {};
    const { server, condition, message, collector, metrics } = await startCluster(t, (fake) => {
      mend = fake.fail(isRendering, answer);
    });
    await until(() => condition("Ready") === `False ${reason}`);
    assert.match(message("Ready"), advice);
    assert.doesNotMatch(message("Ready"), /grant the collector/);
    assert.match(condition("Enforced") ?? "", /^False /);
    assert.match(await metrics(), new RegExp(`^fenceline_obstacles\\{kind="EnvoyFilter",reason="${reason}"\\} 1$`, "m"));
    await collector.idle();
    const writes = statusWrites(server);
    const tries = server.requests.filter(isRendering).length;
    await until(() => server.requests.filter(isRendering).length > tries);
    assert.equal(statusWrites(server), writes, "a write that fails again, for the same reason, costs no write of the status");
    mend();
    await until(() => condition("Ready") === "True Rendered" && condition("Enforced") === "True SidecarRendered");
    assert.ok(server.get(SIDECARS, FENCE) && server.get(ENVOY_FILTERS, FENCE));
  });

test("T-15 a fence whose objects are there and cannot be brought up to date is not ready, and is still enforced", async (t) => {
  const { server, condition } = await startCluster(t);
  await until(() => condition("Enforced") === "True SidecarRendered");
  const mend = server.fail(isRendering, failure(500, "failed calling webhook"));
  server.put(SERVICES, { metadata: { name: "mysql", namespace: "test1" }, spec: { ports: [{ name: "tcp-sql", port: 3306 }] } });
  await until(() => condition("Ready") === "False WebhookFailed");
  assert.equal(condition("Enforced"), "True SidecarRendered");
  mend();
  await until(() => condition("Ready") === "True Rendered");
});

test("T-15 a Sidecar that cannot be deleted is still in force, and the fence says so", async (t) => {
  const { server, condition } = await startCluster(t);
  await until(() => condition("Enforced") === "True SidecarRendered");
  const mend = server.fail(({ method }) => method === "DELETE", failure(500, "an error on the server"));
  server.put(FENCES, { ...server.get(FENCES, FENCE), ...fence({ spec: { enable: false } }) });
  await until(() => condition("Ready") === "False ServerFailed");
  assert.equal(condition("Enforced"), "True SidecarRemains");
  mend();
  await until(() => condition("Enforced") === "False ModeOff");
});

test("T-15 a fence is not ready while its Sidecar, which a change of the mode makes unwanted, is still there", async (t) => {
  const { server, condition } = await startCluster(t);
  const told = () => [condition("Ready"), condition("Enforced")].join(", ");
  await until(() => told() === "True Rendered, True SidecarRendered");
  const release = server.hold(({ method }) => method === "DELETE");
  server.put(FENCES, { ...server.get(FENCES, FENCE), ...fence({ spec: { enable: true, mode: "Observe" } }) });
  await until(() => told() === "False NotDeletedYet, True SidecarRemains");
  assert.ok(server.get(SIDECARS, FENCE));
  release();
  await until(() => told() === "True Rendered, False ModeObserve");
  assert.equal(server.get(SIDECARS, FENCE), undefined);
});

test("T-15 a fence in mode Enforce is not ready while its Sidecar waits for the fallback", async (t) => {
  const slice = { namespace: "mesh-operator", name: "g" };
  const answeredBy = (fake: FakeApiServer, endpoints: readonly object[]) =>
    fake.put(ENDPOINT_SLICES, { ...(fake.get(ENDPOINT_SLICES, slice) as object), endpoints });
  const { server, condition, message } = await startCluster(t, (fake) => answeredBy(fake, []));
  await until(() => condition("Ready") === "False FallbackNotReady");
  assert.match(message("Ready"), /^the Sidecar is written once the global sidecar can answer/);
  assert.deepEqual([condition("Enforced"), condition("FallbackReady")], ["False FallbackNotReady", "False NoEndpoints"]);
  answeredBy(server, [{ addresses: ["10.0.1.9"] }]);
  await until(() => condition("Ready") === "True Rendered" && condition("Enforced") === "True SidecarRendered");
});

test("T-15 one write that fails and succeeds the next time is no news", async (t) => {
  const { server, condition, collector } = await startCluster(t);
  await until(() => condition("Enforced") === "True SidecarRendered");
  await collector.idle();
  const before = statusWrites(server);
  server.answer(isRendering, failure(500, "an error on the server"));
  server.put(SERVICES, { metadata: { name: "mysql", namespace: "test1" }, spec: { ports: [{ name: "tcp-sql", port: 3306 }] } });
  const hosts = () => JSON.stringify(server.get(SIDECARS, FENCE)?.spec);
  await until(() => hosts().includes("mysql"));
  await collector.idle();
  assert.equal(statusWrites(server), before);
});

for (const answer of [failure(413, "Request entity too large: limit is 3145728"), failure(500, "etcdserver: request is too large")])
  test(`T-13 a status that is refused as too large keeps nothing from being rendered, and comes with fewer hosts: ${JSON.stringify(answer).slice(0, 60)}`, async (t) => {
    const taken = 100_000;
    const sizeOf = ({ body }: RecordedRequest) => JSON.stringify(body).length;
    const host = Object.fromEntries(Array.from({ length: 2_000 }, (_, at) => [`h${at}.example.com`, {}]));
    const { server, condition, message } = await startCluster(t, (fake) => {
      fake.fail((request) => isStatus(request) && sizeOf(request) > taken, answer);
      fake.put(FENCES, fence({ spec: { enable: true, host } }));
    });
    await until(() => server.get(SIDECARS, FENCE) !== undefined && server.get(ENVOY_FILTERS, FENCE) !== undefined);
    assert.ok(JSON.stringify(server.get(SIDECARS, FENCE)).includes("h1999.example.com"));
    await until(() => condition("StatusComplete") === "False HostsLeftOut");
    assert.match(message("StatusComplete"), /They are in the Sidecar/);
    assert.equal(condition("Ready"), "True Rendered");
    assert.equal(condition("Enforced"), "True SidecarRendered");
  });

test("T-15 writes that a server wants left alone for long keep no place from others, and the condition says so at once", async (t) => {
  const names = ["b", "c", "d", "e", "f", "g", "h"];
  const isHeld = (request: RecordedRequest) => isRendering(request) && !request.path.endsWith("/h");
  const held: ScriptedAnswer = { status: 429, headers: { "retry-after": "30" }, body: { code: 429, message: "too many requests" } };
  const { server, condition, message } = await startCluster(t, (fake) => {
    fake.fail(isHeld, held);
    for (const name of names) fake.put(FENCES, fence({ metadata: { ...FENCE, name } }));
  });
  await until(() => server.get(SIDECARS, { ...FENCE, name: "h" }) !== undefined);
  await until(() => condition("Ready") === "False Throttled");
  assert.match(message("Ready"), /asks to be left alone for 30 s/);
  const tries = server.requests.filter(
    ({ path, method }) => method === "PATCH" && path.includes("networking.istio.io") && path.endsWith("/a"),
  );
  assert.equal(tries.length, 1, "it is left alone");
});

test("T-15 standalone, a folder in which nothing can be written: the fence is neither ready nor enforced", async (t) => {
  const { collector, folder, read } = await startCollector(t, CAPTURED_MESH.replace("enable: true", "enable: false"));
  writeFileSync(join(folder, "rendered"), "");
  const conditions = () => {
    const { status } = collector.reader.describe({ namespace: "test1", name: "a" }) ?? {};
    return Object.fromEntries((status?.conditions ?? []).map(({ type, ...rest }) => [type, rest]));
  };
  writeFileSync(join(folder, "mesh.yaml"), CAPTURED_MESH);
  await until(() => conditions().Ready?.reason === "WriteFailed");
  assert.match(conditions().Ready?.message ?? "", /see that the folder is there/);
  assert.equal(conditions().Enforced?.status, "False");
  assert.equal(read("rendered/test1/Sidecar-a.yaml"), "");
});

test("T-15 without its EnvoyFilter a fence says neither that calls get to the global sidecar nor that access logs come", async (t) => {
  const { server, condition } = await startCluster(t);
  await until(() => condition("Enforced") === "True SidecarRendered" && condition("FallbackReady") === "True EndpointsReady");
  const mend = server.forbid(ENVOY_FILTERS, "PATCH");
  server.remove(ENVOY_FILTERS, FENCE);
  await until(() => condition("Ready") === "False WriteForbidden");
  assert.equal(condition("Enforced"), "True SidecarRendered");
  assert.equal(condition("FallbackReady"), "False EnvoyFilterMissing");
  assert.equal(condition("TelemetryFlowing"), "Unknown NotAsked");
  mend();
  await until(() => condition("FallbackReady") === "True EndpointsReady" && condition("Ready") === "True Rendered");
  assert.equal(condition("TelemetryFlowing"), "Unknown NothingYet");
});

test("T-15 a fence in Observe says that its calls do not get to the global sidecar, and one that is enforced that they do", async (t) => {
  const observes = fence({ spec: { enable: true, mode: "Observe" } });
  const { server, condition, message } = await startCluster(t, (fake) => fake.put(FENCES, observes));
  await until(() => condition("Enforced") === "False ModeObserve" && condition("Ready") === "True Rendered");
  assert.equal(condition("FallbackReady"), "True EndpointsReady");
  assert.equal(message("FallbackReady"), "the global sidecar can take calls, and this fence sends it none, see Enforced");
  server.put(FENCES, { ...server.get(FENCES, FENCE), ...fence() });
  await until(() => message("FallbackReady") === "the global sidecar takes calls to unknown hosts");
  assert.equal(condition("Enforced"), "True SidecarRendered");
  server.put(FENCES, { ...server.get(FENCES, FENCE), ...observes });
  await until(() => message("FallbackReady").includes("sends it none") && condition("Ready") === "True Rendered");
});

test("T-15 while an EnvoyFilter that cannot be written sends calls to a global sidecar that is gone, the fence says that they fail", async (t) => {
  const { server, condition, message } = await startCluster(t);
  await until(() => condition("Enforced") === "True SidecarRendered" && condition("Ready") === "True Rendered");
  const mend = server.fail(isRendering, failure(500, "failed calling webhook"));
  const slice = server.get(ENDPOINT_SLICES, { namespace: "mesh-operator", name: "g" }) as object;
  server.put(ENDPOINT_SLICES, { ...slice, endpoints: [] });
  await until(() => condition("Ready") === "False WebhookFailed" && condition("FallbackReady") === "False NoEndpoints");
  assert.match(message("FallbackReady"), /calls to unknown hosts fail until the EnvoyFilter/);
  mend();
  await until(() => condition("Ready") === "True Rendered");
  assert.match(message("FallbackReady"), /unknown hosts take Istio's passthrough$/);
});
