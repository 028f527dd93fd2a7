/**
 * ServiceFence and a kind that lives in tests only, in one collector: nothing of it knows fences
 * alone.
 */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import {
  type KnownObject,
  MESH_KINDS,
  OWN_KINDS,
  type OwnKind,
  parseManifests,
  type ReadKind,
  SERVICE_FENCE,
  type Sidecar,
} from "@fenceline/api";
import { until, VALVE, type Valve } from "@fenceline/api/testing";
import { valves } from "@fenceline/control/testing";
import { resourcesOf } from "@fenceline/kubernetes";
import type { FakeApiServer, Resource } from "@fenceline/kubernetes/testing";
import { ENVOY_FILTERS, FENCE, SERVICE_FENCES, SIDECARS } from "@fenceline/store/kubernetes/testing";
import { desiredOfManifests } from "./desired-of-manifests.ts";
import type { KindMaker } from "./kind-context.ts";
import { DRIVERS, type Drivers } from "./kinds.ts";
import { startCluster, startReplica } from "./testing/cluster.ts";
import { renderGoldenCase } from "./testing/golden-case.ts";
import { CAPTURED_MESH, CONFIG } from "./testing/mesh.ts";
import { startCollector } from "./testing/running-collector.ts";

const KINDS: readonly OwnKind[] = [...OWN_KINDS, VALVE];
/** The table with one more line. */
const TABLE: Drivers = { ...DRIVERS, Valve: valves };

/** By the name of the fence. */
const valveOf = (...hosts: readonly string[]) => ({
  apiVersion: "test.fenceline.io/v1",
  kind: "Valve",
  metadata: { name: "a", namespace: "test1" },
  spec: { app: "web", hosts },
});

const [FENCE_SIDECAR, FENCE_STATE] = ["rendered/test1/Sidecar-a.yaml", "state/test1/ServiceFence-a.yaml"];
const [VALVE_SIDECAR, VALVE_STATE] = ["rendered/test1/Sidecar-valve-a.yaml", "state/test1/Valve-a.yaml"];

test("issue 14: a collector over a folder runs a second kind beside fences, and takes back what was made for an object that is gone", async (t) => {
  const running = await startCollector(t, CAPTURED_MESH, undefined, { drivers: TABLE }, KINDS);
  const write = (...hosts: string[]) => running.write("valve.yaml", JSON.stringify(valveOf(...hosts)));
  write("b", "c");
  await until(() => /shown: 2/.test(running.read(VALVE_STATE)));
  assert.match(running.read(VALVE_SIDECAR), /- "\*\/b"\n\s+- "\*\/c"/);
  assert.match(running.read(FENCE_SIDECAR), /name: a\n/);
  assert.match(running.read(FENCE_STATE), /type: Ready/);
  write("d");
  await until(() => /shown: 1/.test(running.read(VALVE_STATE)) && /\*\/d/.test(running.read(VALVE_SIDECAR)));

  // Each kind is counted by itself, and nothing is counted twice.
  const { body } = await running.request("/metrics");
  for (const { name } of [SERVICE_FENCE, VALVE]) {
    assert.match(body, new RegExp(`^fenceline_reconciles_total\\{kind="${name}",result="changed"\\} [1-9]`, "m"));
    assert.match(body, new RegExp(`^fenceline_status_writes_total\\{kind="${name}"\\} [1-9]`, "m"));
  }
  const types = [...body.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
  assert.equal(new Set(types).size, types.length);

  rmSync(join(running.folder, "valve.yaml"));
  // Nothing was learned of it that stays for a time (T-20).
  await until(() => running.read(VALVE_SIDECAR) === "" && running.read(VALVE_STATE) === "");
  assert.notEqual(running.read(FENCE_SIDECAR), "");
  write("b");
  await until(() => running.read(VALVE_SIDECAR) !== "");
  running.write("mesh.yaml", "{apiVersion: v1, kind: Namespace, metadata: {name: test1}}");
  await until(() => running.read(FENCE_SIDECAR) === "" && running.read(FENCE_STATE) === "");
  assert.notEqual(running.read(VALVE_SIDECAR), "");

  const again = await running.restart(() => rmSync(join(running.folder, "valve.yaml")));
  // Another file was written just now, so absence is believed a moment later (T-21).
  await until(() => again.read(VALVE_SIDECAR) === "" && again.read(VALVE_STATE) === "");
  assert.notEqual(again.read(FENCE_SIDECAR), "");
});

const [VALVES] = resourcesOf(VALVE) as [Resource];
const [FENCES] = SERVICE_FENCES as [Resource, Resource];
const RENDERED = { namespace: "test1", name: "valve-a" };

const put = (server: FakeApiServer, ...hosts: string[]) =>
  server.put(VALVES, { ...valveOf(...hosts), ...server.get(VALVES, FENCE), spec: valveOf(...hosts).spec });
const shown = (server: FakeApiServer) => (server.get(VALVES, FENCE) as Valve | undefined)?.status?.shown;
const hostsOf = (server: FakeApiServer, name = RENDERED) =>
  (server.get(SIDECARS, name) as Sidecar | undefined)?.spec.egress.flatMap(({ hosts }) => hosts);

test("issue 14: a collector over an API server runs a second kind beside fences: renders, puts back, says so in the status, takes back", async (t) => {
  const more = { kinds: KINDS, drivers: TABLE };
  const { server, condition, warnings } = await startCluster(t, (fake) => put(fake, "b", "c"), true, CONFIG, undefined, more);
  await until(() => shown(server) === 2 && condition("Ready") === "True Rendered");
  assert.deepEqual(hostsOf(server), ["*/b", "*/c"]);
  put(server, "d");
  await until(() => shown(server) === 1 && hostsOf(server)?.join() === "*/d");
  for (const name of [RENDERED, FENCE]) {
    server.remove(SIDECARS, name);
    await until(() => server.get(SIDECARS, name) !== undefined);
  }
  server.remove(VALVES, FENCE);
  await until(() => server.get(SIDECARS, RENDERED) === undefined);
  assert.ok(server.get(SIDECARS, FENCE) && server.get(ENVOY_FILTERS, FENCE), "the fence of its name stays");
  put(server, "b");
  await until(() => shown(server) === 1 && hostsOf(server)?.join() === "*/b");
  server.remove(FENCES, FENCE);
  await until(() => server.get(SIDECARS, FENCE) === undefined && server.get(ENVOY_FILTERS, FENCE) === undefined);
  assert.deepEqual([hostsOf(server), warnings()], [["*/b"], []]);
});

test("issue 14: of a second kind, too, the leader alone writes, and the next one makes what the one before left undone", async (t) => {
  const more = { kinds: KINDS, drivers: TABLE };
  const one = await startCluster(t, undefined, true, CONFIG, undefined, more);
  const { server } = one;
  const other = await startReplica(t, server, false, CONFIG, undefined, more);
  put(server, "b", "c");
  await until(() => shown(server) === 2);
  one.leadership.lose();
  const writes = () => [server.count("PATCH", VALVES), server.count("PATCH", SIDECARS)];
  const before = writes();
  put(server, "d");
  for (const { store, collector } of [one, other]) {
    await until(() => store.objectOf(VALVE, FENCE)?.spec.hosts.join() === "d");
    await collector.idle();
  }
  assert.deepEqual([writes(), shown(server), hostsOf(server)], [before, 2, ["*/b", "*/c"]]);
  other.leadership.leads = true;
  other.collector.lead();
  await other.collector.idle();
  assert.deepEqual([shown(server), hostsOf(server)], [1, ["*/d"]]);
  assert.deepEqual(
    writes(),
    before.map((count) => count + 1),
  );
});

test("issue 14: a kind whose triggers throw stops no other kind, is counted, and its own objects are looked at all the same", async (t) => {
  const fail = () => assert.fail("a fault in what is particular to the kind");
  const broken: KindMaker = (context) => ({ ...valves(context), triggers: { concernedBy: fail, keepUp: fail, tick: fail } });
  // The broken kind comes first.
  const running = await startCollector(t, CAPTURED_MESH, undefined, { drivers: { Valve: broken, ...DRIVERS } }, KINDS);
  running.write("valve.yaml", JSON.stringify(valveOf("b")));
  running.write("late.yaml", NAMESAKE.replace("valve-a", "late"));
  await until(() => running.read("rendered/test1/Sidecar-late.yaml") !== "" && /shown: 1/.test(running.read(VALVE_STATE)));
  const { body } = await running.request("/metrics");
  assert.match(body, /^fenceline_kind_faults_total\{kind="Valve"\} [1-9]/m);
  assert.doesNotMatch(body, /fenceline_kind_faults_total\{kind="ServiceFence"\} [1-9]/);
});

/** A fence with the name that the valve `a` gives its Sidecar. */
const NAMESAKE = `{apiVersion: microservice.slime.io/v1alpha1, kind: ServiceFence, metadata: {name: valve-a, namespace: test1}, spec: {enable: true}}`;

test("issue 14: a fence whose Sidecar has the name of a valve's leaves that alone in a folder, and says so in its conditions", async (t) => {
  const running = await startCollector(t, CAPTURED_MESH, undefined, { drivers: TABLE }, KINDS);
  running.write("valve.yaml", JSON.stringify(valveOf("b")));
  await until(() => /shown: 1/.test(running.read(VALVE_STATE)));
  running.write("fence.yaml", NAMESAKE);
  await until(() => /reason: ObjectNotOurs/.test(running.read("state/test1/ServiceFence-valve-a.yaml")));
  const [state, sidecar] = [running.read("state/test1/ServiceFence-valve-a.yaml"), running.read(VALVE_SIDECAR)];
  assert.match(state, /Sidecar test1\/valve-a belongs to Valve a, not to ServiceFence valve-a/);
  assert.match(sidecar, /fenceline\.io\/owner: Valve\/a/);
  // The valve goes, and the fence has what it asks for.
  rmSync(join(running.folder, "valve.yaml"));
  await until(() => /fenceline\.io\/owner: ServiceFence\/valve-a/.test(running.read(VALVE_SIDECAR)));
});

test("issue 14: what would be rendered of manifests is that of every kind in the table", () => {
  const kinds = [...MESH_KINDS, ...KINDS] as readonly ReadKind<unknown>[] as readonly ReadKind<KnownObject | Valve>[];
  const { objects } = parseManifests(`${CAPTURED_MESH}---\n${JSON.stringify(valveOf("b"))}\n`, "mesh.yaml", kinds);
  const desired = desiredOfManifests(objects, CONFIG, 0, TABLE);
  assert.deepEqual(
    desired.objects.map(({ kind, metadata: { name } }) => `${kind} ${name}`),
    ["EnvoyFilter a", "Sidecar a", "Sidecar valve-a"],
  );
  assert.deepEqual(desired.refused, []);
});

test("issue 14: of manifests two owners of one object get nothing rendered, and each is named with the other", () => {
  const kinds = [...MESH_KINDS, ...KINDS] as readonly ReadKind<unknown>[] as readonly ReadKind<KnownObject | Valve>[];
  const text = [CAPTURED_MESH, JSON.stringify(valveOf("b")), NAMESAKE].join("\n---\n");
  const desired = desiredOfManifests(parseManifests(text, "mesh.yaml", kinds).objects, CONFIG, 0, TABLE);
  assert.deepEqual(
    desired.objects.map(({ kind, metadata: { name } }) => `${kind} ${name}`),
    ["EnvoyFilter a", "Sidecar a"],
  );
  const why = "Conflict: Sidecar test1/valve-a is asked for by ServiceFence test1/valve-a and Valve test1/a";
  assert.deepEqual(
    desired.refused.map(({ code, message }) => [code, message.includes(why)]),
    [
      ["FENCE_NOT_RENDERED", true],
      ["VALVE_NOT_RENDERED", true],
    ],
  );
});

const GOLDEN_INPUT = `given: {}
---
apiVersion: v1
kind: Service
metadata: { name: b, namespace: test1 }
spec: { ports: [{ port: 80 }] }
---
apiVersion: test.fenceline.io/v1
kind: Valve
metadata: { name: a, namespace: test1 }
spec: { app: web, hosts: [b.test1.svc.cluster.local, c.test1.svc.cluster.local], most: 2 }
`;

const GOLDEN_OUTPUT = `apiVersion: networking.istio.io/v1beta1
kind: Sidecar
metadata:
  name: valve-a
  namespace: test1
  labels:
    app.kubernetes.io/managed-by: fenceline
spec:
  workloadSelector:
    labels:
      app: web
  egress:
    - hosts:
        - "*/b.test1.svc.cluster.local"
        - "*/c.test1.svc.cluster.local"
`;

test("issue 14: a second kind's golden case is rendered by what drives it, its line in the table", () => {
  assert.equal(renderGoldenCase(GOLDEN_INPUT, "valve.in.yaml", TABLE, KINDS), GOLDEN_OUTPUT);
});
