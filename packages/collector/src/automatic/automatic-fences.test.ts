import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { Config, SERVICE_FENCE } from "@fenceline/api";
import { until } from "@fenceline/api/testing";
import type { FakeApiServer, Resource } from "@fenceline/kubernetes/testing";
import { CONFIG_MAPS, MESH_CONFIG_MAP, NAMESPACES, SERVICE_FENCES, SERVICES, SIDECARS } from "@fenceline/store/kubernetes/testing";
import { pino } from "pino";
import { Mesh } from "../mesh.ts";
import { CollectorMetrics } from "../metrics.ts";
import { startCluster } from "../testing/cluster.ts";
import { CONFIG } from "../testing/mesh.ts";
import { AutomaticFences } from "./automatic-fences.ts";

const [FENCES] = SERVICE_FENCES as [Resource, Resource];
const WEB = { namespace: "shop", name: "web" };
const MADE = { "app.kubernetes.io/created-by": "fence-controller", "app.kubernetes.io/managed-by": "fenceline" };

function label(server: FakeApiServer, fenced: string | undefined): void {
  server.put(NAMESPACES, { metadata: { name: "shop", labels: fenced === undefined ? {} : { "slime.io/serviceFenced": fenced } } });
}

function addService(server: FakeApiServer, name: string, app = name): void {
  const spec = { clusterIP: "10.0.0.7", selector: { app }, ports: [{ name: "http", port: 80 }] };
  server.put(SERVICES, { metadata: { namespace: "shop", name }, spec });
}

function shop(server: FakeApiServer, fenced = "true"): void {
  label(server, fenced);
  addService(server, "web");
}

/**
 * An `AutomaticFences` of its own beside the collector's store, whose times the test sets. The
 * collector itself makes none.
 */
async function running(
  t: TestContext,
  prepare: (server: FakeApiServer) => void,
  { create = "Labelled", backoff = { first: 1, longest: 1 } } = {},
) {
  const off = Config.parse({ ...CONFIG, automaticFences: { create: "Off" } });
  const cluster = await startCluster(t, prepare, true, off);
  const config = Config.parse({ ...CONFIG, automaticFences: { create } });
  const state = { now: 0, leads: true };
  const metrics = new CollectorMetrics();
  const warnings: string[] = [];
  const logger = pino({ level: "warn" }, { write: (line) => void warnings.push(JSON.parse(line).err.code) });
  const mesh = new Mesh(cluster.store.snapshot(), config);
  const times = { clock: () => state.now, grace: 20, backoff };
  const fences = new AutomaticFences({
    store: cluster.store,
    mesh: () => mesh,
    config,
    metrics,
    logger,
    leads: () => state.leads,
    ...times,
  });
  t.after(() => fences.close());
  const forget = cluster.store.onChange((changes) => {
    mesh.apply(changes, cluster.store.snapshot());
    fences.changed(changes);
  });
  t.after(forget);
  fences.refresh();
  return { ...cluster, mesh, state, warnings, fences, writes: () => metrics.registry.metrics() };
}

test("a Namespace is labelled: its workloads are fenced; the label is taken off: nothing is left of it", async (t) => {
  const { server, metrics } = await startCluster(t, (fake) => shop(fake, ""));
  assert.equal(server.get(FENCES, WEB), undefined);
  label(server, "true");
  await until(() => server.get(SIDECARS, WEB) !== undefined);
  assert.deepEqual(server.get(FENCES, WEB)?.metadata.labels, MADE);
  const { spec } = server.get(SIDECARS, WEB) as unknown as { spec: { workloadSelector: unknown } };
  assert.deepEqual(spec.workloadSelector, { labels: { app: "web" } });
  label(server, undefined);
  await until(() => server.get(FENCES, WEB) === undefined && server.get(SIDECARS, WEB) === undefined);
  const counted = await metrics();
  for (const action of ["create", "delete"])
    assert.match(counted, new RegExp(`^fenceline_writes_total\\{kind="ServiceFence",action="${action}"\\} 1$`, "m"));
  assert.ok(server.get(FENCES, { namespace: "test1", name: "a" }), "a person's fence stays");
});

test("row 105: lazyxds's annotation on a Namespace fences its workloads, and leaves no fence when it goes", async (t) => {
  const annotate = (server: FakeApiServer, annotations: object) => server.put(NAMESPACES, { metadata: { name: "shop", annotations } });
  const { server } = await startCluster(t, (fake) => {
    annotate(fake, { "lazy-xds": "true", other: "x" });
    addService(fake, "web");
  });
  await until(() => server.get(SIDECARS, WEB) !== undefined);
  annotate(server, { other: "x" });
  await until(() => server.get(FENCES, WEB) === undefined && server.get(SIDECARS, WEB) === undefined);
});

test("rows 37, 38: automatic fences and what they render have our revision; a fence of another one is left alone, and goes on when it is ours", async (t) => {
  const config = Config.parse({ ...CONFIG, revisions: { names: ["stable"], own: "stable" } });
  const OTHERS = { namespace: "shop", name: "others" };
  const others = (revision: string) => ({
    metadata: { ...OTHERS, labels: { "istio.io/rev": revision } },
    spec: { enable: true, workloadSelector: { labels: { app: "others" } } },
  });
  const prepare = (fake: FakeApiServer) => {
    shop(fake);
    fake.put(FENCES, others("canary"));
  };
  const { server, collector } = await startCluster(t, prepare, true, config);
  await until(() => server.get(SIDECARS, WEB) !== undefined);
  assert.deepEqual(server.get(FENCES, WEB)?.metadata.labels, { ...MADE, "istio.io/rev": "stable" });
  assert.equal(server.get(SIDECARS, WEB)?.metadata.labels?.["istio.io/rev"], "stable");
  await collector.idle();
  assert.deepEqual([server.get(SIDECARS, OTHERS), server.get(FENCES, OTHERS)?.status], [undefined, undefined]);
  server.put(FENCES, others("stable"));
  await until(() => server.get(SIDECARS, OTHERS) !== undefined);
});

const SELECTORS = [{ matchExpressions: [{ key: "env", operator: "In", values: ["prod"] }] }];
const DISCOVERY = "discoverySelectors: [{matchLabels: {env: prod}}]";

for (const [what, automaticFences, mesh] of [
  ["the configuration selects no more", { namespaces: { selectors: SELECTORS } }, ""],
  ["istiod discovers no more", {}, DISCOVERY],
] as const)
  test(`rows 33, 34, 118: of a Namespace that ${what} the automatic fences go, with what they rendered, and those of people stay`, async (t) => {
    const config = Config.parse({ ...CONFIG, automaticFences: { create: "All", ...automaticFences } });
    const env = (value: string) => ({ metadata: { name: "shop", labels: { env: value } } });
    const MINE = { namespace: "shop", name: "mine" };
    const { server } = await startCluster(
      t,
      (fake) => {
        fake.put(CONFIG_MAPS, { metadata: MESH_CONFIG_MAP, data: { mesh } });
        fake.put(NAMESPACES, env("prod"));
        addService(fake, "web");
        fake.put(FENCES, { metadata: MINE, spec: { enable: true, workloadSelector: { labels: { app: "mine" } } } });
      },
      true,
      config,
    );
    await until(() => server.get(SIDECARS, WEB) !== undefined && server.get(SIDECARS, MINE) !== undefined);
    server.put(NAMESPACES, env("dev"));
    await until(() => server.get(FENCES, WEB) === undefined && server.get(SIDECARS, WEB) === undefined);
    assert.ok(server.get(FENCES, MINE) && server.get(SIDECARS, MINE));
  });

test("a new leader makes what the one before left undone; whoever does not lead makes nothing", async (t) => {
  const { server, collector, leadership } = await startCluster(t, shop, false);
  await collector.idle();
  assert.equal(server.count("POST"), 0);
  leadership.leads = true;
  collector.lead();
  await collector.idle();
  assert.ok(server.get(FENCES, WEB));
});

test("switched off, those that were made automatically go, and those of people stay", async (t) => {
  const { server, state, fences } = await running(
    t,
    (fake) => {
      shop(fake);
      fake.put(FENCES, { metadata: { ...WEB, labels: MADE }, spec: { enable: true } });
      fake.put(FENCES, { metadata: { ...WEB, name: "mine" }, spec: { enable: true } });
    },
    { create: "Off" },
  );
  await fences.idle();
  assert.ok(server.get(FENCES, WEB), "not before the grace is over");
  state.now += 20;
  await until(() => server.get(FENCES, WEB) === undefined);
  assert.ok(server.get(FENCES, { ...WEB, name: "mine" }));
});

test("a Service that is replaced keeps its fence, with all that it has learned, and no other Service of the workload gets one", async (t) => {
  const { server, mesh, state, fences } = await running(t, (fake) => {
    shop(fake);
    addService(fake, "web-headless", "web");
  });
  await until(() => mesh.fence(WEB) !== undefined);
  server.remove(SERVICES, WEB);
  // Time must not pass before the change is told: what is known of it decides what is done.
  await until(() => mesh.registry.service(WEB.namespace, WEB.name) === undefined);
  fences.refresh();
  state.now += 19;
  await fences.idle();
  addService(server, "web");
  await until(() => mesh.registry.service(WEB.namespace, WEB.name) !== undefined);
  fences.refresh();
  state.now += 1_000;
  addService(server, "end");
  await until(() => server.get(FENCES, { ...WEB, name: "end" }) !== undefined);
  await fences.idle();
  assert.deepEqual([server.count("DELETE", FENCES), server.count("POST", FENCES)], [0, 2]);
});

test("where the Service is gone for good, the fence of another Service of the workload follows that of the first", async (t) => {
  const { server, mesh, state } = await running(t, (fake) => {
    shop(fake);
    addService(fake, "web-headless", "web");
  });
  await until(() => mesh.fence(WEB) !== undefined);
  server.remove(SERVICES, WEB);
  await until(() => {
    state.now += 5;
    const successor = server.get(FENCES, { ...WEB, name: "web-headless" });
    assert.ok(successor === undefined || server.get(FENCES, WEB) === undefined);
    return successor !== undefined;
  });
});

test("nothing is deleted as long as Services cannot be listed", async (t) => {
  let grant = () => {};
  const { server, state, fences } = await running(t, (fake) => {
    label(fake, undefined);
    fake.put(FENCES, { metadata: { ...WEB, labels: MADE }, spec: { enable: true } });
    grant = fake.forbid(SERVICES, "GET");
  });
  state.now += 1_000;
  fences.refresh();
  await fences.idle();
  assert.equal(server.count("DELETE"), 0);
  grant();
  await until(() => {
    state.now += 20;
    return server.get(FENCES, WEB) === undefined;
  });
});

test("a missing right is warned of once, for however many Services, and what is missing is made when it is there", async (t) => {
  let grant = () => {};
  const { server, warnings, fences } = await running(t, (fake) => {
    shop(fake);
    for (let index = 0; index < 20; index += 1) addService(fake, `s${index}`);
    grant = fake.forbid(FENCES, "POST");
  });
  await until(() => server.count("POST", FENCES) > 40);
  assert.deepEqual(warnings, ["KUBERNETES_FORBIDDEN"]);
  grant();
  await until(() => server.get(FENCES, { ...WEB, name: "s19" }) !== undefined && server.get(FENCES, WEB) !== undefined);
  await fences.idle();
});

test("snapshots bring no retry forward", async (t) => {
  const { server, fences } = await running(
    t,
    (fake) => {
      shop(fake);
      fake.forbid(FENCES, "POST");
    },
    { backoff: { first: 60_000, longest: 60_000 } },
  );
  await fences.idle();
  for (let snapshots = 0; snapshots < 20; snapshots += 1) fences.refresh();
  await fences.idle();
  assert.equal(server.count("POST", FENCES), 1);
});

test("a fence that somebody deletes again and again comes back ever more slowly", async (t) => {
  const { server, store, state, fences } = await running(t, shop);
  const remove = async () => {
    await until(() => store.snapshot().of(SERVICE_FENCE).length === 2);
    server.remove(FENCES, WEB);
    await until(() => store.snapshot().of(SERVICE_FENCE).length === 1);
    fences.refresh();
    await fences.idle();
  };
  for (const [times, pause] of [1_000, 2_000, 4_000].entries()) {
    await remove();
    state.now += pause - 5;
    fences.refresh();
    await fences.idle();
    assert.equal(server.count("POST", FENCES), times + 1);
    state.now += 5;
    await until(() => server.count("POST", FENCES) === times + 2);
  }
});

for (const [create, looked] of [
  ["Labelled", ["shop"]],
  ["All", ["shop"]],
  ["Off", []],
] as const)
  test(`issue 14: with automatic fences ${create} a new Service has ${looked.join() || "no namespace"} looked at, and no other`, async (t) => {
    const { server, mesh, fences } = await running(t, (fake) => fake.put(NAMESPACES, { metadata: { name: "shop" } }), { create });
    await fences.idle();
    const { mock } = t.mock.method(mesh.registry, "servicesIn");
    addService(server, "web");
    await until(() => mesh.registry.service("shop", "web") !== undefined);
    assert.deepEqual(
      mock.calls.map(({ arguments: [namespace] }) => namespace),
      looked,
    );
  });

test("an automatic fence that comes while they are switched off goes", async (t) => {
  const { server, state } = await running(t, () => {}, { create: "Off" });
  server.put(FENCES, { metadata: { ...WEB, labels: MADE }, spec: { enable: true } });
  await until(() => {
    state.now += 20;
    return server.get(FENCES, WEB) === undefined;
  });
});

test("T-23 in a namespace that is being deleted no fence is made for a workload, and none that was made is deleted", async (t) => {
  const { server, mesh, state, collector } = await running(t, shop);
  const OTHER = { namespace: "other", name: "web" };
  const fenced = { "slime.io/serviceFenced": "true" };
  server.put(NAMESPACES, { metadata: { name: "other", labels: fenced } });
  server.put(SERVICES, { metadata: OTHER, spec: { clusterIP: "10.0.0.8", selector: { app: "web" }, ports: [{ name: "http", port: 80 }] } });
  await until(() => mesh.fence(WEB) !== undefined && mesh.fence(OTHER) !== undefined);
  server.put(NAMESPACES, { metadata: { name: "shop", labels: fenced, deletionTimestamp: "2026-01-01T00:00:00Z" } });
  await until(() => mesh.namespace("shop")?.metadata.deletionTimestamp !== undefined);
  // A Service without a fence, and a fence without its Service.
  addService(server, "late");
  server.remove(SERVICES, WEB);
  await until(() => mesh.registry.service("shop", "late") !== undefined && mesh.registry.service("shop", "web") === undefined);
  // Another namespace goes on, and what was planned before would have been done by then.
  server.remove(SERVICES, OTHER);
  await until(() => mesh.registry.service(OTHER.namespace, OTHER.name) === undefined);
  // A deletion that meets a write of the fence's status is sent again.
  await collector.idle();
  await until(() => {
    state.now += 20;
    return server.get(FENCES, OTHER) === undefined;
  });
  assert.deepEqual([server.count("POST", FENCES), server.count("DELETE", FENCES)], [2, 1]);
});

test("T-23 an automatic fence that is being deleted is not deleted again", async (t) => {
  const { server, mesh, state, fences, collector } = await running(t, shop);
  await until(() => mesh.fence(WEB) !== undefined);
  const { metadata, ...rest } = server.get(FENCES, WEB) as unknown as { readonly metadata: object };
  server.put(FENCES, { ...rest, metadata: { ...metadata, deletionTimestamp: "2026-01-01T00:00:00Z", finalizers: ["example.com/slow"] } });
  await until(() => mesh.fence(WEB)?.metadata.deletionTimestamp !== undefined);
  label(server, undefined);
  await until(() => mesh.namespace("shop")?.metadata.labels["slime.io/serviceFenced"] === undefined);
  state.now += 1_000;
  await fences.idle();
  // A fence that is not being deleted goes meanwhile.
  const LEFT = { ...WEB, name: "left" };
  server.put(FENCES, { metadata: { ...LEFT, labels: MADE }, spec: { enable: true } });
  await until(() => mesh.fence(LEFT) !== undefined);
  // A deletion that meets a write of the fence's status is sent again.
  await collector.idle();
  await until(() => {
    state.now += 20;
    return server.get(FENCES, LEFT) === undefined;
  });
  assert.equal(server.count("DELETE", FENCES), 1);
});
