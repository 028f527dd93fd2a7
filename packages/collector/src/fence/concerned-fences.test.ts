import assert from "node:assert/strict";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { type EnvoyFilter, parkedHosts, refText, SERVICE_ENTRY, type Sidecar, sidecarHosts, VIRTUAL_SERVICE } from "@fenceline/api";
import { until } from "@fenceline/api/testing";
import { Controller } from "@fenceline/control";
import { type Resource, resourcesOf } from "@fenceline/kubernetes";
import type { FakeApiServer } from "@fenceline/kubernetes/testing";
import { ENVOY_FILTERS, FENCE, fence, SERVICE_FENCES, SERVICES, SIDECARS } from "@fenceline/store/kubernetes/testing";
import { startCluster } from "../testing/cluster.ts";
import { CONFIG } from "../testing/mesh.ts";

const [ENTRIES] = resourcesOf(SERVICE_ENTRY);
const [ROUTES] = resourcesOf(VIRTUAL_SERVICE);
const [FENCES] = SERVICE_FENCES as [Resource, Resource];
/** Hosts of HTTP come in one step. */
const STEPS = { ...CONFIG, onDemand: "always" } as const;
const OTHER = { namespace: "test1", name: "other" };

function service(namespace: string, name: string, port: object = { name: "http", port: 80 }, labels: object = {}) {
  return { metadata: { namespace, name, labels }, spec: { clusterIP: "10.0.7.7", selector: { app: name }, ports: [port] } };
}

/** A mesh with the fences `a`, and `other` with what the test gives it. */
async function start(t: Parameters<typeof startCluster>[0], spec: object) {
  const cluster = await startCluster(
    t,
    (server) => {
      const { metadata, spec: common, ...rest } = fence() as { metadata: object; spec: object };
      server.put(FENCES, { ...rest, metadata: { ...metadata, ...OTHER, uid: "u-other" }, spec: { ...common, ...spec } });
    },
    true,
    STEPS,
  );
  const sidecar = (name: string) => cluster.server.get(SIDECARS, { namespace: "test1", name }) as unknown as Sidecar | undefined;
  const hosts = (name: string) => [sidecar(name) ?? []].flat().flatMap(sidecarHosts);
  const asked = t.mock.method(Controller.prototype, "enqueue");
  /**
   * Puts an object and gives how many fences are looked at for it: a look is asked for when the
   * change is told. A run alone says nothing, since each step of a Sidecar takes one of its own.
   */
  const looksAfter = async (resource: Resource, object: Parameters<typeof cluster.server.put>[1], isTaken: () => boolean) => {
    await cluster.collector.idle();
    asked.mock.resetCalls();
    cluster.server.put(resource, object);
    await until(isTaken);
    const looks = new Set(asked.mock.calls.map(({ arguments: [of] }) => refText(of)));
    await cluster.collector.idle();
    return looks.size;
  };
  const looksFor = (...given: Parameters<typeof service>) =>
    looksAfter(SERVICES, service(...given), () => cluster.collector.mesh.registry.service(given[0], given[1]) !== undefined);
  /** The same for an object of Istio's. */
  const looksForObject = (resource: Resource, namespace: string, spec: object) => {
    const { meshHosts } = cluster.collector.mesh;
    const { version } = meshHosts;
    return looksAfter(resource, { metadata: { namespace, name: "one" }, spec }, () => meshHosts.version !== version);
  };
  /** Both Sidecars are in place, with no step to come. */
  const settle = async () => {
    await until(() =>
      ["a", "other"].every((name) => {
        const object = sidecar(name);
        return object !== undefined && parkedHosts(object).length === 0;
      }),
    );
    await cluster.collector.idle();
  };
  await settle();
  return { ...cluster, hosts, settle, looksAfter, looksFor, looksForObject };
}

test("a Service that no fence reads has none of them looked at", async (t) => {
  const { looksFor } = await start(t, { host: { "named.shop": { stable: {} } } });
  assert.equal(await looksFor("shop", "unrelated"), 0);
});

test("a Service that a fence names by a short name has that fence looked at, and no other", async (t) => {
  const { looksFor, hosts } = await start(t, { host: { named: { stable: {} } } });
  assert.ok(hosts("other").includes("*/named"));
  assert.equal(await looksFor("test1", "named"), 1);
  await until(() => hosts("other").includes("test1/named.test1.svc.cluster.local"));
});

test("a Service whose labels a fence selects comes into that fence", async (t) => {
  const { looksFor, hosts } = await start(t, { labelSelector: [{ selector: { team: "x" } }] });
  assert.equal(await looksFor("shop", "chosen", { name: "http", port: 80 }, { team: "x" }), 1);
  await until(() => hosts("other").includes("shop/chosen.shop.svc.cluster.local"));
});

test("row 11: a fence with the selector of its Service follows that when it changes, with both objects", async (t) => {
  const put = (server: FakeApiServer, selector: object) => {
    const { metadata, spec } = service(FENCE.namespace, FENCE.name);
    server.put(SERVICES, { metadata, spec: { ...spec, selector } });
  };
  const { server } = await startCluster(t, (fake) => {
    put(fake, { app: "one" });
    fake.put(FENCES, fence({ spec: { enable: true, workloadSelector: { fromService: true } } }));
  });
  const selectors = () =>
    [SIDECARS, ENVOY_FILTERS].map((resource) => {
      const object = server.get(resource, FENCE) as unknown as Sidecar | EnvoyFilter | undefined;
      return object?.spec.workloadSelector.labels;
    });
  const follows = (labels: object) => until(() => selectors().every((each) => isDeepStrictEqual(each, labels)));
  await follows({ app: "one" });
  put(server, { app: "one", version: "v2" });
  await follows({ app: "one", version: "v2" });
});

test("a TCP Service that every fence shows has all of them looked at", async (t) => {
  const { looksFor, hosts } = await start(t, {});
  assert.equal(await looksFor("shop", "database", { name: "tcp-db", port: 5432 }), 2);
  await until(() => [FENCE.name, OTHER.name].every((name) => hosts(name).includes("shop/database.shop.svc.cluster.local")));
});

const NAMED = "named.shop.svc.cluster.local";

test("issue 16: a VirtualService for a host of one fence, and a change of it, has that fence looked at, and no other", async (t) => {
  const { looksFor, looksForObject, settle, hosts } = await start(t, { host: { "named.shop": { stable: {} } } });
  await looksFor("shop", "named");
  await settle();
  assert.equal(await looksForObject(ROUTES, "third", { hosts: [NAMED] }), 1);
  await until(() => hosts("other").includes(`third/${NAMED}`));
  await settle();
  const http = [{ route: [{ destination: { host: "d.third.svc.cluster.local" } }] }];
  assert.equal(await looksForObject(ROUTES, "third", { hosts: [NAMED], http }), 1);
  await until(() => hosts("other").includes("third/d.third.svc.cluster.local"));
  await settle();
  assert.equal(
    await looksForObject(ROUTES, "shop", { hosts: ["*.shop.svc.cluster.local"], exportTo: ["test1"] }),
    2,
    "of any Service there",
  );
});

test("issue 16: a VirtualService for a Service that no fence shows has none of them looked at", async (t) => {
  const { looksFor, looksForObject } = await start(t, { host: { "named.shop": { stable: {} } } });
  await looksFor("shop", "unrelated");
  assert.equal(await looksForObject(ROUTES, "third", { hosts: ["unrelated.shop.svc.cluster.local"] }), 0);
  assert.equal(await looksForObject(ROUTES, "shop", { hosts: ["only.example"], exportTo: ["shop"] }), 0, "nor one that they do not see");
});

test("issue 16: a ServiceEntry has all fences looked at that see it, and comes into each", async (t) => {
  const { server, looksForObject, settle, hosts } = await start(t, {});
  const ports = [{ number: 443, name: "tls", protocol: "TLS" }];
  assert.equal(await looksForObject(ENTRIES, "shop", { hosts: ["private.example"], exportTo: ["."], ports }), 0);
  await settle();
  assert.equal(await looksForObject(ENTRIES, "partners", { hosts: ["api.example"], ports }), 2);
  const inBoth = (egress: string) => [FENCE.name, OTHER.name].every((name) => hosts(name).includes(egress));
  await until(() => inBoth("partners/api.example"));
  server.remove(ENTRIES, { namespace: "partners", name: "one" });
  await until(() => !hosts(FENCE.name).includes("partners/api.example") && !hosts(OTHER.name).includes("partners/api.example"));
});

test("issue 16: Services of Istio's namespace and of ours are shown one by one, and one that comes there has all fences looked at", async (t) => {
  const { collector, settle, looksAfter, looksFor, hosts } = await start(t, {});
  assert.deepEqual(hosts("other"), ["mesh-operator/global-sidecar.mesh-operator.svc.cluster.local"]);
  assert.equal(await looksFor("istio-system", "zipkin"), 2);
  await until(() => hosts("other").includes("istio-system/zipkin.istio-system.svc.cluster.local"));
  await settle();
  const labelled = service("istio-system", "zipkin", undefined, { other: "label" });
  const isLabelled = () => collector.mesh.registry.service("istio-system", "zipkin")?.metadata.labels.other === "label";
  assert.equal(await looksAfter(SERVICES, labelled, isLabelled), 0, "what it says of its host is the same");
});
