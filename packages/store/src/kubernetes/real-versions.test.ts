/**
 * A kind of two versions and several spellings, against a real kube-apiserver that takes its
 * CustomResourceDefinition. FENCELINE_KUBECONFIG names its kubeconfig.
 */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { customResourceDefinitions, type FencelineError, formatPath, OWN_KINDS, readObject } from "@fenceline/api";
import { PUMP, type Pump, until } from "@fenceline/api/testing";
import { ApiError, collectionPath, objectPath, type Resource, resourcesOf } from "@fenceline/kubernetes";
import { KubernetesStore } from "./kubernetes-store.ts";
import { DEFINITIONS, realCluster } from "./testing/real-cluster.ts";
import { ManualLeadership } from "./testing/store-under-test.ts";

const { FENCELINE_KUBECONFIG: kubeconfig } = process.env;
const skip = kubeconfig === undefined ? "FENCELINE_KUBECONFIG names no kubeconfig of an API server to test against" : false;
const [STORED, OLD_GROUP] = resourcesOf(PUMP) as [Resource, Resource];
const SERVED: Resource = { ...STORED, apiVersion: "test.fenceline.io/v1beta1" };

const PATCH = { operation: "MERGE", value: { fill_interval: [null, { deep: 1 }] } };
const STAGE = {
  name: "x",
  fillInterval: { seconds: 60 },
  listenerType: "Gateway",
  settings: { _string: "a", list: [1, "b"] },
  rawPatch: PATCH,
};
const CAMEL = { pressure: 7, workloadLabels: { app: "a" }, hosts: ["b.test1"], stages: [STAGE] };
const { fillInterval: _, listenerType: __, rawPatch: ___, ...REST } = STAGE;
const SNAKE = {
  ...{ bar: 7, workload_labels: { app: "a" }, hosts: ["b.test1"] },
  stages: [{ ...REST, fill_interval: { seconds: "60" }, listener_type: 2, raw_patch: PATCH }],
};

type Cluster = Awaited<ReturnType<typeof clusterWithPumps>>;

/** A namespace of its own, on a server that has the kind; both go after the test. */
async function clusterWithPumps(t: TestContext) {
  const { api, namespace, make, isServed } = await realCluster(t, kubeconfig);
  for (const definition of customResourceDefinitions(PUMP)) await make(DEFINITIONS, definition);
  for (const resource of [STORED, SERVED, OLD_GROUP]) await until(() => isServed(resource));
  const create = ({ apiVersion, ...resource }: Resource, name: string, spec: unknown) => {
    const body = { apiVersion, kind: "Pump", metadata: { name, namespace }, spec };
    return api.json({
      method: "POST",
      path: collectionPath({ apiVersion, ...resource }, namespace),
      body,
      query: { fieldValidation: "Strict" },
    });
  };
  const get = (resource: Resource, name: string) => api.json({ method: "GET", path: objectPath(resource, { namespace, name }) });
  return { api, namespace, create, get };
}

test("real: an API server takes the definitions of a kind of two groups and two versions", { skip }, async (t) => {
  // Once for both: a definition that was deleted is there for a while.
  const cluster = await clusterWithPumps(t);
  await t.test("objects of either version, group and spelling are read as one form", (inner) => readsAll(inner, cluster));
  await t.test("what is refused is refused at the field at which the parser does", () => refusesAlike(cluster));
});

async function readsAll(t: TestContext, { api, namespace, create, get }: Cluster): Promise<void> {
  await create(STORED, "a", CAMEL);
  await create(SERVED, "b", SNAKE);
  await create(OLD_GROUP, "c", SNAKE);
  const troubles: FencelineError[] = [];
  const kinds = [...OWN_KINDS, PUMP];
  const onTrouble = (error: FencelineError) => troubles.push(error);
  const store = await KubernetesStore.open({ api, kinds, leadership: new ManualLeadership(), onTrouble, meshConfigMaps: [] });
  t.after(() => store.close());
  const pumps = () =>
    store
      .snapshot()
      .of(PUMP)
      .filter(({ metadata }) => metadata.namespace === namespace);
  assert.deepEqual(
    pumps()
      .map(({ metadata }) => metadata.name)
      .sort(),
    ["a", "b", "c"],
  );
  for (const { spec } of pumps()) assert.deepEqual(spec, readObject(PUMP, { ...pump("a"), spec: CAMEL }).object?.spec);
  assert.equal(pumps()[0]?.spec.stages[0]?.fillInterval.seconds, 60);

  // Written in one version, it is the same object in the other, with what its author wrote.
  assert.partialDeepStrictEqual(await get(STORED, "b"), { apiVersion: STORED.apiVersion, spec: SNAKE });
  assert.partialDeepStrictEqual(await get(SERVED, "a"), { apiVersion: SERVED.apiVersion, spec: CAMEL });
  await create(SERVED, "d", SNAKE);
  await until(() => pumps().length === 4);

  const generation = pumps().find(({ metadata }) => metadata.name === "b")?.metadata.generation;
  assert.equal(generation, 1);
  const lastTransitionTime = new Date().toISOString();
  const condition = { type: "Rendered", status: "True", reason: "Done", message: "", lastTransitionTime, observedGeneration: generation };
  const status = { observedGeneration: generation, running: 1, since: lastTransitionTime, conditions: [condition] };
  assert.equal(await store.writeStatus({ kind: "Pump", namespace, name: "b" }, status), undefined);
  assert.partialDeepStrictEqual(await get(SERVED, "b"), { metadata: { generation }, status });
  // Other tests have fences that are not valid.
  assert.deepEqual(
    troubles.filter(({ at }) => at.object?.startsWith("Pump ")),
    [],
  );
}

const pump = (name: string) => ({ apiVersion: STORED.apiVersion, kind: "Pump", metadata: { name } });
const withStage = (stage: object) => ({ ...CAMEL, stages: [{ ...STAGE, ...stage }] });
/** What is refused, and at which field. */
const REFUSED: readonly (readonly [string, object])[] = [
  ["spec.pressure", { ...CAMEL, pressure: 101 }],
  ["spec.pressure", { ...CAMEL, pressure: undefined }],
  ["spec.bar", { ...SNAKE, bar: 0 }],
  ["spec.stages", { ...CAMEL, stages: [] }],
  ["spec.stages", { ...CAMEL, stages: Array.from({ length: 21 }, (_each, index) => ({ ...STAGE, name: `x${index}` })) }],
  ["spec.stages[1]", { ...CAMEL, stages: [STAGE, STAGE] }],
  ["spec.stages[0].fillInterval", withStage({ fillInterval: undefined })],
  ["spec.stages[0].fillInterval.seconds", withStage({ fillInterval: { seconds: "1h" } })],
  ["spec.stages[0].fillInterval.seconds", withStage({ fillInterval: { seconds: -1 } })],
  ["spec.stages[0].name", withStage({ name: "X" })],
  ["spec.stages[0].name", withStage({ name: "" })],
  ["spec.stages[0].quota", withStage({ quota: "" })],
  ["spec.stages[0].listenerType", withStage({ listenerType: 3 })],
  ["spec.stages[0].listenerType", withStage({ listenerType: "Sideways" })],
  ["spec.stages[0].settings", withStage({ settings: "text" })],
  ["spec.stages[0].share", withStage({ share: 0 })],
  ["spec.hosts[1]", { ...CAMEL, hosts: ["a", "a"] }],
  ["spec.hosts[0]", { ...CAMEL, hosts: ["a".repeat(254)] }],
  ["spec.strange", { ...CAMEL, strange: 1 }],
];

async function refusesAlike({ create }: Cluster): Promise<void> {
  for (const [field, spec] of REFUSED) {
    const { faults } = readObject<Pump>(PUMP, { ...pump("a"), spec: JSON.parse(JSON.stringify(spec)) });
    assert.equal(formatPath(faults?.[0].field ?? []), field);
    for (const resource of [STORED, SERVED]) {
      await assert.rejects(create(resource, "a", spec), (error: unknown) => {
        assert.ok(error instanceof ApiError && [400, 422].includes(error.status), `${field}: ${String(error)}`);
        assert.ok(error.message.includes(field), `${field}: ${error.message}`);
        return true;
      });
    }
  }
  // As long as it may be, counted in characters.
  await create(STORED, "longest", { ...CAMEL, hosts: ["😀".repeat(253)] });
}
