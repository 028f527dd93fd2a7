/** Who is named by policies is not cold, and what they refuse for certain is not learned. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeAccessLogMessage } from "@fenceline/als";
import { ADDRESS_KIND, AUTHORIZATION_POLICY, type ServiceFenceStatus, type Sidecar, sidecarHosts, VIRTUAL_SERVICE } from "@fenceline/api";
import { until } from "@fenceline/api/testing";
import { resourcesOf } from "@fenceline/kubernetes";
import type { Resource } from "@fenceline/kubernetes/testing";
import { FENCE, fence, NAMESPACES, SERVICE_FENCES, SERVICES, SIDECARS } from "@fenceline/store/kubernetes/testing";
import { startCluster } from "../testing/cluster.ts";
import { CONFIG } from "../testing/mesh.ts";
import { send } from "../testing/running-collector.ts";

const [FENCES] = SERVICE_FENCES as [Resource, Resource];
const [POLICIES] = resourcesOf(AUTHORIZATION_POLICY);
const [VIRTUAL_SERVICES] = resourcesOf(VIRTUAL_SERVICE);
const METHOD = "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs";
const SHORT = { ...CONFIG, ageing: { ...CONFIG.ageing, idleWindow: "2s", shortestWindow: "1s" } };

const service = (name: string) => ({
  metadata: { namespace: "shop", name },
  spec: { clusterIP: "10.0.7.7", selector: { app: name }, ports: [{ name: "http", port: 80 }] },
});
const host = (name: string) => `${name}.shop.svc.cluster.local`;
/** Who may call one Service of `shop`. */
const policy = (name: string, source?: object) => ({
  metadata: { namespace: "shop", name },
  spec: { selector: { matchLabels: { app: name } }, rules: source === undefined ? [] : [{ from: [{ source }] }] },
});
const report = (...hosts: readonly string[]) =>
  encodeAccessLogMessage({
    identifier: { logName: "fenceline/test1/a", node: { id: "sidecar~a" } },
    entries: hosts.map((authority) => ({ authority, upstreamCluster: `outbound|80||${authority}`, responseCode: 200, requests: 1 })),
  });

async function start(t: Parameters<typeof startCluster>[0], prepare: Parameters<typeof startCluster>[1], config = CONFIG) {
  const cluster = await startCluster(
    t,
    (fake) => {
      fake.put(NAMESPACES, { metadata: { name: "shop", labels: { "istio-injection": "enabled" } } });
      for (const name of ["b", "c", "d"]) fake.put(SERVICES, service(name));
      prepare?.(fake);
    },
    true,
    config,
  );
  const { server, collector } = cluster;
  const domains = () => (server.get(FENCES, FENCE)?.status as Partial<ServiceFenceStatus> | undefined)?.domains ?? {};
  const shown = () => [(server.get(SIDECARS, FENCE) ?? []) as Sidecar | []].flat().flatMap(sidecarHosts);
  /** Tells of calls, as a proxy of this service account. */
  const calls = (serviceAccount: string, ...hosts: readonly string[]) =>
    send(collector.accessLogPort, [report(...hosts)], METHOD, {
      "x-forwarded-client-cert": `Hash=1;URI=spiffe://cluster.local/ns/test1/sa/${serviceAccount}`,
    });
  return { ...cluster, domains, shown, calls };
}

test("issue 16: a Service whose policy names the fence's namespace is in the fence uncalled, and leaves when nobody calls it", async (t) => {
  const { domains, shown, calls, server } = await start(
    t,
    (fake) => {
      fake.put(POLICIES, policy("b", { namespaces: ["test1"] }));
      fake.put(POLICIES, policy("c", { namespaces: ["ops"] }));
      fake.put(POLICIES, policy("d", { principals: ["*"] }));
    },
    SHORT,
  );
  await until(() => shown().includes(`shop/${host("b")}`));
  await until(() => domains()[host("b")]?.source === "preloaded");
  assert.deepEqual(Object.keys(domains()), [host("b")]);
  server.put(POLICIES, policy("c", { namespaces: ["ops", "test1"] }));
  await until(() => shown().includes(`shop/${host("c")}`));
  await until(async () => {
    await calls("a", host("c"));
    return domains()[host("b")] === undefined;
  });
  assert.ok(shown().includes(`shop/${host("c")}`));
});

test("issue 16: a Service whose policy names the service account is in the fence once a proxy has shown its certificate", async (t) => {
  const { shown, calls } = await start(t, (fake) => {
    fake.put(POLICIES, policy("b", { principals: ["cluster.local/ns/test1/sa/a"] }));
    fake.put(POLICIES, policy("c", { principals: ["cluster.local/ns/test1/sa/other"] }));
  });
  await until(() => shown().length > 0);
  assert.ok(!shown().includes(`shop/${host("b")}`), "nobody knows yet who calls");
  await calls("a", host("d"));
  await until(() => shown().includes(`shop/${host("b")}`) && shown().includes(`shop/${host("d")}`));
  assert.ok(!shown().includes(`shop/${host("c")}`));
});

test("issue 16: a fence that was observed before is not seeded again with each start, but by a policy that comes", async (t) => {
  const { shown, server } = await start(t, (fake) => {
    fake.put(FENCES, { ...fence(), status: { observedUntil: new Date().toISOString(), domains: {} } });
    fake.put(POLICIES, policy("b", { namespaces: ["test1"] }));
  });
  await until(() => shown().length > 0);
  server.put(POLICIES, policy("c", { namespaces: ["test1"] }));
  await until(() => shown().includes(`shop/${host("c")}`));
  assert.ok(!shown().includes(`shop/${host("b")}`));
});

test("T-24 policies of others that name a fence's namespace take a quarter of its room at most", async (t) => {
  const { domains, calls } = await start(
    t,
    (fake) => {
      for (const name of ["b", "c", "d", "e", "f"]) {
        fake.put(SERVICES, service(name));
        fake.put(POLICIES, policy(name, { namespaces: ["test1"] }));
      }
    },
    { ...CONFIG, ageing: { ...CONFIG.ageing, maxHosts: 8 } },
  );
  await until(() => Object.keys(domains()).length === 2);
  await calls("a", host("d"));
  await until(() => Object.keys(domains()).length === 3);
  assert.deepEqual(Object.keys(domains()).sort(), ["b", "c", "d"].map(host));
});

test("issue 16: with authorizationPolicies.seed off nothing is preloaded", async (t) => {
  const { shown, calls } = await start(t, (fake) => fake.put(POLICIES, policy("b", { namespaces: ["test1"] })), {
    ...CONFIG,
    authorizationPolicies: { ...CONFIG.authorizationPolicies, seed: false },
  });
  await calls("a", host("c"));
  await until(() => shown().includes(`shop/${host("c")}`));
  assert.ok(!shown().includes(`shop/${host("b")}`));
});

test("issue 16: what policies refuse for certain is not learned, which is counted and told, until they let it through", async (t) => {
  const { server, lines, metrics, domains, calls } = await start(t, (fake) => {
    fake.put(POLICIES, policy("b", { principals: ["cluster.local/ns/test1/sa/other"] }));
    fake.put(NAMESPACES, { metadata: { name: "bare" } });
    fake.put(SERVICES, { ...service("e"), metadata: { namespace: "bare", name: "e" } });
    fake.put(POLICIES, { ...policy("e"), metadata: { namespace: "bare", name: "e" } });
  });
  const bare = "e.bare.svc.cluster.local";
  await calls("a", host("b"), host("c"), bare);
  await until(() => Object.keys(domains()).length === 2);
  assert.deepEqual(Object.keys(domains()).sort(), [host("c"), bare].sort(), "where no pod has a sidecar, nobody refuses");
  assert.match(await metrics(), /entries_dropped_total\{reason="denied_by_policy"\} 1\n/);
  const told = lines.filter(({ msg }) => msg === "host not learned, AuthorizationPolicies refuse every call");
  assert.deepEqual(
    told.map((line) => [line.fence, line.host]),
    [["test1/a", host("b")]],
  );
  server.put(POLICIES, policy("b", { principals: ["cluster.local/ns/test1/sa/*"] }));
  await until(async () => {
    await calls("a", host("b"));
    return domains()[host("b")] !== undefined;
  });
});

test("issue 16: an edge is learned where the callee, or whoever stands before it, may judge another caller", async (t) => {
  const { domains, calls } = await start(t, (fake) => {
    const source = { namespaces: ["test1"] };
    fake.put(POLICIES, {
      ...policy("b"),
      spec: { action: "DENY", selector: { matchLabels: { app: "b" } }, rules: [{ from: [{ source }] }] },
    });
    fake.put(POLICIES, policy("c", { principals: [`cluster.local/ns/${CONFIG.namespace}/sa/global-sidecar`] }));
    fake.put(POLICIES, policy("d"));
    const waypoint = { labels: { "istio.io/use-waypoint": "w" } };
    fake.put(SERVICES, { ...service("e"), metadata: { namespace: "shop", name: "e", ...waypoint } });
    fake.put(POLICIES, policy("e"));
    fake.put(SERVICES, service("f"));
    fake.put(POLICIES, policy("f"));
    fake.put(VIRTUAL_SERVICES, {
      metadata: { namespace: "shop", name: "f" },
      spec: { hosts: ["f.shop.svc.cluster.local"], http: [{ route: [{ destination: { host: "g.shop.svc.cluster.local" } }] }] },
    });
  });
  await calls("a", ...["b", "c", "d", "e", "f"].map(host));
  await until(() => Object.keys(domains()).length === 4);
  assert.deepEqual(Object.keys(domains()).sort(), ["b", "c", "e", "f"].map(host));
});

test("issue 16: with authorizationPolicies.denied: Refuse the global sidecar is told whom policies refuse, as they are now", async (t) => {
  const { server, collector } = await start(t, (fake) => fake.put(POLICIES, policy("b", { namespaces: ["ops"] })), {
    ...CONFIG,
    authorizationPolicies: { ...CONFIG.authorizationPolicies, denied: "Refuse" },
  });
  const told = () =>
    [...collector.addresses.addresses()].flatMap(({ address, kinds }) => (kinds === ADDRESS_KIND.REFUSED_CALLS ? address : []));
  assert.deepEqual(told(), [`only ${host("b")} `, "only 10.0.7.7 "]);
  server.put(POLICIES, policy("b", { namespaces: ["ops", "test1"] }));
  await until(() => told().includes(`only ${host("b")} test1`) && told().length === 2);
  server.put(NAMESPACES, { metadata: { name: "shop" } });
  await until(() => told().length === 0);
  server.put(NAMESPACES, { metadata: { name: "shop", labels: { "istio.io/rev": "canary" } } });
  await until(() => told().length === 2);
  const routes = { hosts: [host("b")], http: [{ route: [{ destination: { host: host("c") } }] }] };
  server.put(VIRTUAL_SERVICES, { metadata: { namespace: "shop", name: "b" }, spec: routes });
  await until(() => told().length === 0);
  server.put(VIRTUAL_SERVICES, { metadata: { namespace: "shop", name: "b" }, spec: { ...routes, exportTo: ["test1"] } });
  await until(() => told().length === 2 && told().every((text) => text.endsWith(" test1")));
  server.remove(VIRTUAL_SERVICES, { namespace: "shop", name: "b" });
  server.remove(POLICIES, { namespace: "shop", name: "b" });
  await until(() => told().length === 0);
});

test("issue 16: what policies said is taken back from the global sidecar while they, or routes, may not be read", async (t) => {
  const { server, collector } = await start(t, (fake) => fake.put(POLICIES, policy("b")), {
    ...CONFIG,
    authorizationPolicies: { ...CONFIG.authorizationPolicies, denied: "Refuse" },
  });
  const told = () => [...collector.addresses.addresses()].filter(({ kinds }) => kinds === ADDRESS_KIND.REFUSED_CALLS).length;
  for (const resource of [POLICIES, VIRTUAL_SERVICES]) {
    await until(() => told() === 2);
    const grant = server.forbid(resource, "GET");
    server.endWatches(resource);
    await until(() => told() === 0);
    grant();
  }
  await until(() => told() === 2);
});

test("issue 16: policies that may not be read are the fence's condition, and what they said counts no more", async (t) => {
  let grant = () => {};
  const { condition, message, domains, calls } = await start(
    t,
    (fake) => {
      fake.put(POLICIES, policy("b"));
      grant = fake.forbid(POLICIES, "GET");
    },
    SHORT,
  );
  await until(() => condition("MeshObjectsSeen") === "False NotPermitted");
  assert.match(
    message("MeshObjectsSeen"),
    /^the collector may not read AuthorizationPolicy: .*watch of authorizationpolicies\.security\.istio\.io,/,
  );
  await calls("a", host("b"));
  await until(() => domains()[host("b")] !== undefined);
  grant();
  await until(() => condition("MeshObjectsSeen") === undefined);
});
