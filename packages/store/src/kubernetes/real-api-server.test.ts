/**
 * The same promises against a real kube-apiserver, which must have the CRDs of Istio and of
 * Fenceline. FENCELINE_KUBECONFIG names its kubeconfig.
 */

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { type TestContext, test } from "node:test";
import {
  ENDPOINT_SLICE,
  type FencelineError,
  fenceRef,
  type RenderedObject,
  SERVICE,
  SERVICE_FENCE,
  type ServiceFenceStatus,
} from "@fenceline/api";
import { until } from "@fenceline/api/testing";
import {
  ApiError,
  type ApiRequest,
  collectionPath,
  hasStatus,
  Informer,
  KubernetesApi,
  kubeConfigLoader,
  LeaderElection,
  monotonicClock,
  objectPath,
  type Resource,
  readerOf,
} from "@fenceline/kubernetes";
import { ObjectWriter } from "./apply/object-writer.ts";
import { KubernetesStore } from "./kubernetes-store.ts";
import { envoyFilter, OWNER, sidecar } from "./testing/rendered-objects.ts";
import { CONFIG_MAPS, ENDPOINT_SLICES, NAMESPACES, SERVICE_FENCES, SERVICES, SIDECARS } from "./testing/resources.ts";
import { ManualLeadership } from "./testing/store-under-test.ts";

const { FENCELINE_KUBECONFIG: kubeconfig } = process.env;
const skip = kubeconfig === undefined ? "FENCELINE_KUBECONFIG names no kubeconfig of an API server to test against" : false;
const [OURS] = SERVICE_FENCES as [Resource, Resource];
const NAME = "a";

/** A namespace of its own for a test, deleted afterwards. */
async function namespaceFor(t: TestContext) {
  const api = new KubernetesApi(await kubeConfigLoader(kubeconfig));
  const namespace = `fenceline-test-${randomUUID().slice(0, 8)}`;
  await api.json({ method: "POST", path: collectionPath(NAMESPACES), body: { metadata: { name: namespace } } });
  t.after(async () => {
    await api.json({ method: "DELETE", path: objectPath(NAMESPACES, { name: namespace }) });
    api.close();
  });
  const create = (resource: Resource, object: object) =>
    api.json({
      method: "POST",
      path: collectionPath(resource, namespace),
      query: { fieldManager: "kubectl" },
      body: { ...resource, ...object },
    });
  const get = async (resource: Resource, name = NAME) => {
    const object = await api.json({ method: "GET", path: objectPath(resource, { namespace, name }) }).catch((error: unknown) => {
      if (hasStatus(error, 404)) return {};
      throw error;
    });
    return object as { metadata?: { uid: string; labels?: object; resourceVersion: string }; spec?: object; status?: ServiceFenceStatus };
  };
  const edit = (resource: Resource, patch: object, name = NAME) =>
    api.json({
      method: "PATCH",
      path: objectPath(resource, { namespace, name }),
      query: { fieldManager: "kubectl-edit" },
      body: patch,
      contentType: "application/merge-patch+json",
    });
  const remove = (resource: Resource, name = NAME) => api.json({ method: "DELETE", path: objectPath(resource, { namespace, name }) });
  return { api, namespace, create, get, edit, remove };
}

async function isServed(api: KubernetesApi, apiVersion: string, kind: string): Promise<boolean> {
  const served = (await api.json({ method: "GET", path: `/apis/${apiVersion}` }).catch((error: unknown) => {
    if (hasStatus(error, 404)) return { resources: [] };
    throw error;
  })) as { readonly resources: readonly { readonly kind: string }[] };
  return served.resources.some((each) => each.kind === kind);
}

/** A store with one fence in it, and the objects that would be rendered for it. */
async function storeWithFence(t: TestContext) {
  const cluster = await namespaceFor(t);
  const { api, namespace } = cluster;
  await cluster.create(OURS, { metadata: { name: NAME, namespace }, spec: { enable: true } });
  const uid = (await cluster.get(OURS)).metadata?.uid ?? "";
  const owned = <T extends RenderedObject>(object: T): T => ({
    ...object,
    metadata: { ...object.metadata, namespace, ownerReferences: object.metadata.ownerReferences?.map((owner) => ({ ...owner, uid })) },
  });
  await cluster.create(CONFIG_MAPS, {
    metadata: { name: "istio", namespace },
    data: { mesh: "outboundTrafficPolicy: {mode: REGISTRY_ONLY}" },
  });
  const meshConfigMaps = [{ namespace, name: "istio" }];
  const open = async () => {
    const leadership = new ManualLeadership();
    const troubles: FencelineError[] = [];
    const store = await KubernetesStore.open({ api, leadership, onTrouble: (error) => troubles.push(error), meshConfigMaps });
    t.after(() => store.close());
    return { store, leadership, troubles };
  };
  const key = { namespace, name: NAME };
  return { ...cluster, key, open, sidecar: (...hosts: string[]) => owned(sidecar(...hosts)), envoyFilter: () => owned(envoyFilter()) };
}

test("real: every kind that is served is watched, and changes make a snapshot", { skip }, async (t) => {
  const { api, open, namespace, create, remove } = await storeWithFence(t);
  const { store, troubles } = await open();
  await until(() => store.health().every(({ state, absent }) => state === "watching" || absent));
  // The Gateway API is no part of Istio, and some versions of Istio lack a kind.
  for (const { apiVersion, kind } of store.health().filter(({ absent }) => absent))
    assert.equal(await isServed(api, apiVersion, kind), false, `${apiVersion} ${kind}`);
  await create(SERVICES, { metadata: { name: "web" }, spec: { ports: [{ port: 80 }] } });
  const has = () =>
    store
      .snapshot()
      .of(SERVICE)
      .some(({ metadata }) => metadata.namespace === namespace && metadata.name === "web");
  await until(has);
  await remove(SERVICES, "web");
  await until(() => !has());
  assert.equal(store.snapshot().meshConfigs?.[0]?.outbound, "REGISTRY_ONLY");
  assert.deepEqual(troubles, []);
});

test("real: a list of several pages is complete", { skip }, async (t) => {
  const { api, namespace, create } = await namespaceFor(t);
  for (let batch = 0; batch < 26; batch += 1) {
    await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        create(ENDPOINT_SLICES, { metadata: { name: `s-${batch}-${index}` }, addressType: "IPv4", endpoints: [] }),
      ),
    );
  }
  const informer = new Informer({
    api,
    resource: ENDPOINT_SLICES,
    parse: readerOf(ENDPOINT_SLICE),
    onEvent: () => {},
    onTrouble: () => {},
  });
  t.after(() => informer.stop());
  informer.start();
  await informer.settled();
  assert.equal(informer.objects().filter(({ metadata }) => metadata.namespace === namespace).length, 520);
});

test("real: objects are made, left alone when unchanged, changed and deleted", { skip }, async (t) => {
  const { open, key, sidecar, envoyFilter, get } = await storeWithFence(t);
  const { store } = await open();
  assert.equal((await store.carryOut({ action: "create", owner: OWNER, object: envoyFilter() })).result, "created");
  assert.equal((await store.carryOut({ action: "create", owner: OWNER, object: sidecar("istio-system/*") })).result, "created");
  assert.deepEqual(store.ownedBy(fenceRef(key)), [envoyFilter(), sidecar("istio-system/*")]);
  const { resourceVersion } = (await get(SIDECARS)).metadata ?? {};
  assert.equal((await store.carryOut({ action: "update", owner: OWNER, object: sidecar("istio-system/*") })).result, "unchanged");
  assert.equal((await get(SIDECARS)).metadata?.resourceVersion, resourceVersion);
  assert.equal((await store.carryOut({ action: "update", owner: OWNER, object: sidecar("x/*") })).result, "updated");
  assert.deepEqual((await get(SIDECARS)).spec, sidecar("x/*").spec);
  const { store: restarted } = await open();
  assert.deepEqual(restarted.ownedBy(fenceRef(key)), [envoyFilter(), sidecar("x/*")]);
  assert.equal((await store.carryOut({ action: "delete", owner: OWNER, object: { kind: "Sidecar", ...key } })).result, "deleted");
  assert.deepEqual(await get(SIDECARS), {});
});

test("real: what somebody changed or added by hand is put back", { skip }, async (t) => {
  const { open, key, sidecar, edit, get } = await storeWithFence(t);
  await (await open()).store.apply({ action: "create", owner: OWNER, object: sidecar("x/*") });
  // Another process, which did not write a moment ago.
  const { store } = await open();
  await edit(SIDECARS, { spec: { egress: [{ hosts: ["evil/*"] }], outboundTrafficPolicy: { mode: "REGISTRY_ONLY" } } });
  await until(() => JSON.stringify(store.ownedBy(fenceRef(key))).includes("evil"));
  assert.equal((await store.carryOut({ action: "update", owner: OWNER, object: sidecar("x/*") })).result, "updated");
  assert.deepEqual((await get(SIDECARS)).spec, sidecar("x/*").spec);
});

test("real: a label that is no longer wanted goes, and one of somebody else stays", { skip }, async (t) => {
  const { open, sidecar, edit, get } = await storeWithFence(t);
  const { store } = await open();
  const plain = sidecar("x/*");
  const labelled = { ...plain, metadata: { ...plain.metadata, labels: { ...plain.metadata.labels, "istio.io/rev": "canary" } } };
  await store.apply({ action: "create", owner: OWNER, object: labelled });
  await edit(SIDECARS, { metadata: { labels: { team: "shop" } } });
  await store.apply({ action: "update", owner: OWNER, object: sidecar("x/*", "y/*") });
  assert.deepEqual((await get(SIDECARS)).metadata?.labels, { ...plain.metadata.labels, team: "shop" });
});

test("real: a Sidecar of somebody else stays as it is", { skip }, async (t) => {
  const { open, sidecar, create, get } = await storeWithFence(t);
  const { store } = await open();
  const spec = { egress: [{ hosts: ["./*"] }] };
  await create(SIDECARS, { metadata: { name: NAME }, spec });
  assert.equal((await store.apply({ action: "create", owner: OWNER, object: sidecar("x/*") }))?.reason, "Conflict");
  const left = await get(SIDECARS);
  assert.deepEqual([left.spec, left.metadata?.labels], [spec, undefined]);
});

/**
 * An API server on which the first look at an object finds nothing: somebody makes it right after.
 */
class BlindApi extends KubernetesApi {
  #looked = false;

  override async json(request: ApiRequest): Promise<unknown> {
    if (request.method !== "GET" || this.#looked) return super.json(request);
    this.#looked = true;
    throw new ApiError({ request: request.path, status: 404, message: "not there yet" });
  }
}

for (const [what, spec] of [
  ["conflicts with ours", { egress: [{ hosts: ["./*"] }] }],
  ["would merge with ours", { outboundTrafficPolicy: { mode: "ALLOW_ANY" } }],
] as const) {
  test(`real: a Sidecar that somebody makes at the same moment, and that ${what}, stays as it is`, { skip }, async (t) => {
    const { sidecar, create, get } = await storeWithFence(t);
    const api = new BlindApi(await kubeConfigLoader(kubeconfig));
    t.after(() => api.close());
    const writer = new ObjectWriter({ api, clock: monotonicClock, leadership: new ManualLeadership() });
    await create(SIDECARS, { metadata: { name: NAME }, spec });
    assert.equal((await writer.apply(SIDECARS, OWNER, sidecar("x/*"), undefined)).result, "conflict");
    const left = await get(SIDECARS);
    assert.deepEqual([left.spec, left.metadata?.labels], [spec, undefined]);
  });
}

test("real: two replicas merge what they learn into one status", { skip }, async (t) => {
  const { open, key, get } = await storeWithFence(t);
  const [first, second] = [await open(), await open()];
  second.leadership.lose();
  const lastSeen = new Date().toISOString();
  const learned = (...hosts: string[]): ServiceFenceStatus => ({
    domains: Object.fromEntries(hosts.map((host) => [host, { hosts: [host], status: "ACTIVE", source: "learned", lastSeen, requests: 1 }])),
  });
  await Promise.all([
    first.store.writeStatus(fenceRef(key), learned("b", "c")),
    second.store.writeStatus(fenceRef(key), learned("c", "d")),
  ]);
  assert.deepEqual(Object.keys((await get(OURS)).status?.domains ?? {}).sort(), ["b", "c", "d"]);
  await until(() =>
    first.store
      .snapshot()
      .of(SERVICE_FENCE)
      .some(({ status }) => Object.keys(status.domains).length === 3),
  );
  await first.store.writeStatus(fenceRef(key), learned("c", "d"));
  assert.deepEqual(Object.keys((await get(OURS)).status?.domains ?? {}).sort(), ["c", "d"]);
});

test("real: one of two candidates leads, and the other takes over when it leaves", { skip }, async (t) => {
  const { api, namespace } = await namespaceFor(t);
  const times = { leaseDuration: 3_000, renewDeadline: 2_000, retryPeriod: 200 };
  const elections = ["first", "second"].map((identity) => new LeaderElection({ api, namespace, name: "collector", identity, times }));
  for (const election of elections) {
    t.after(() => election.stop());
    election.start();
  }
  await until(() => elections.some((election) => election.mayWrite()) && elections.every(({ leader }) => leader !== undefined));
  const [leader, ...others] = elections.toSorted((a, b) => Number(b.mayWrite()) - Number(a.mayWrite()));
  assert.equal(others[0]?.mayWrite(), false);
  const left = performance.now();
  await leader?.stop();
  await until(() => others[0]?.mayWrite() === true);
  assert.ok(performance.now() - left < times.leaseDuration);
});

test("real: a fence that cannot be meant is refused as it is applied, and what Slime took is taken", { skip }, async (t) => {
  const { create } = await namespaceFor(t);
  const apply = (name: string, spec: object) => create(OURS, { metadata: { name }, spec });
  for (const [at, preload] of ["None", "All", ["web.shop.svc.cluster.local", "shop/*", "*.example.com"], []].entries())
    await apply(`taken-${at}`, { warmUp: { preload } });
  for (const preload of ["Sometimes", ["web.shop:80"], ["a".repeat(64)], [1]])
    await assert.rejects(apply("refused", { warmUp: { preload } }), ApiError, JSON.stringify(preload));
  for (const spec of [{ mode: "Sometimes" }, { idleWindow: "a day" }, { maxHosts: 0 }, { maxHosts: 100_001 }, { tcp: "seen" }])
    await assert.rejects(apply("refused", spec), ApiError, JSON.stringify(spec));
  await apply("slime", { enable: true, host: { "web.shop:80": {}, UNKNOWN: null }, workloadSelector: { labels: { "": "" } } });
});
