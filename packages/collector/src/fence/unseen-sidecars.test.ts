/** T-15: while Sidecars may not be read nothing that worked is harmed, and nothing new comes. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { EnvoyFilter, Sidecar } from "@fenceline/api";
import { sidecarHosts } from "@fenceline/api";
import { until } from "@fenceline/api/testing";
import type { FakeApiServer, RecordedRequest, Resource } from "@fenceline/kubernetes/testing";
import { hasRedirect } from "@fenceline/render/fence";
import { CLUSTER_ROLES, ENVOY_FILTERS, FENCE, fence, SERVICE_FENCES, SERVICES, SIDECARS } from "@fenceline/store/kubernetes/testing";
import { CLUSTER_ROLE, startCluster, startReplica } from "../testing/cluster.ts";
import { CONFIG } from "../testing/mesh.ts";

const [FENCES] = SERVICE_FENCES as [Resource, Resource];
const LATER = { namespace: "test1", name: "later" };
const THEIRS = { metadata: { name: "theirs", namespace: "test1" }, spec: { workloadSelector: { labels: { app: "later" } } } };
const CONFIG_OF_SHORT_ROUNDS = { ...CONFIG, ageing: { ...CONFIG.ageing, idleWindow: "2s", shortestWindow: "1s" } };
const start = (t: TestContext, prepare?: (server: FakeApiServer) => void) => startCluster(t, prepare, true, CONFIG_OF_SHORT_ROUNDS);

const later = () => fence({ metadata: { ...LATER, uid: "later" } });
const mysql = { metadata: { name: "mysql", namespace: "test1" }, spec: { ports: [{ name: "tcp-sql", port: 3306 }] } };
const filterOf = (server: FakeApiServer, key = FENCE) => server.get(ENVOY_FILTERS, key) as unknown as EnvoyFilter | undefined;
const redirects = (server: FakeApiServer, key = FENCE) => {
  const filter = filterOf(server, key);
  return filter !== undefined && hasRedirect(filter);
};
const forbidSidecars = (server: FakeApiServer) => {
  const grant = server.forbid(SIDECARS, "GET");
  server.endWatches(SIDECARS);
  return grant;
};
const writesOf = (server: FakeApiServer, name: string) =>
  server.requests.filter(({ method, path }: RecordedRequest) => method !== "GET" && path.endsWith(`/sidecars/${name}`)).length;

test("T-15 a fence that comes while Sidecars may not be read gets none, since one of others may be there; it observes until they can", async (t) => {
  for (const foreign of [false, true]) {
    const { server, condition } = await start(t);
    await until(() => condition("Enforced") === "True SidecarRendered");
    const grant = forbidSidecars(server);
    await until(() => condition("Enforced") === "Unknown NotPermitted");
    if (foreign) server.put(SIDECARS, THEIRS);
    server.put(FENCES, later());
    const told = () => JSON.stringify(server.get(FENCES, LATER)?.status ?? {});
    await until(() => filterOf(server, LATER) !== undefined && told().includes("so none is added"));
    assert.equal(redirects(server, LATER), false, "calls go where they went");
    assert.equal(writesOf(server, "later"), 0);
    grant();
    if (foreign) await until(() => told().includes("Sidecar test1/theirs is for the same pods"));
    else await until(() => server.get(SIDECARS, LATER) !== undefined && redirects(server, LATER));
    assert.equal(writesOf(server, "later") > 0, !foreign);
  }
});

test("T-15 the Sidecar of a fence is kept up to date though Sidecars may not be read any more", async (t) => {
  const { server, condition } = await start(t);
  await until(() => condition("Enforced") === "True SidecarRendered");
  forbidSidecars(server);
  await until(() => condition("Enforced") === "Unknown NotPermitted");
  server.put(SERVICES, mysql);
  await until(() => sidecarHosts(server.get(SIDECARS, FENCE) as unknown as Sidecar).includes("test1/mysql.test1.svc.cluster.local"));
  assert.equal(redirects(server), true);
});

for (const [what, change] of [
  ["that stays", () => {}],
  ["that is switched off", (server: FakeApiServer) => server.put(FENCES, { ...server.get(FENCES, FENCE), spec: { enable: false } })],
  ["that is deleted", (server: FakeApiServer) => server.remove(FENCES, FENCE)],
] as const)
  test(`T-15 after a start without the right to read Sidecars the one of a fence ${what} is not seen, and calls to hosts that it hides still get to the global sidecar`, async (t) => {
    const { server, condition, collector, store } = await start(t, (fake) => fake.put(CLUSTER_ROLES, CLUSTER_ROLE));
    await until(() => condition("Enforced") === "True SidecarRendered");
    await collector.idle();
    await collector.close();
    await store.close();
    const grant = forbidSidecars(server);
    const next = await startReplica(t, server, true, CONFIG_OF_SHORT_ROUNDS);
    await until(() => condition("Enforced") === "Unknown NotPermitted");
    change(server);
    server.put(SERVICES, mysql);
    await until(() => next.collector.mesh.registry.service("test1", "mysql") !== undefined);
    await next.collector.idle();
    assert.equal(redirects(server), true);
    assert.ok(server.get(SIDECARS, FENCE));
    grant();
    if (what === "that stays")
      await until(() => sidecarHosts(server.get(SIDECARS, FENCE) as unknown as Sidecar).includes("test1/mysql.test1.svc.cluster.local"));
    else await until(() => server.get(SIDECARS, FENCE) === undefined && filterOf(server) === undefined);
  });
