/** T-17: an object of ours whose spec cannot be read says so in its status, and is left alone. */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Condition, OWN_KINDS, type OwnObject, type Sidecar, sidecarHosts, withTransition } from "@fenceline/api";
import { PUMP, type Pump, type PumpStatus, until } from "@fenceline/api/testing";
import type { DrivenKind, Reconciler } from "@fenceline/control";
import { resourcesOf } from "@fenceline/kubernetes";
import type { FakeApiServer, Resource } from "@fenceline/kubernetes/testing";
import type { Store } from "@fenceline/store";
import { FENCE, fence, SERVICE_FENCES, SIDECARS } from "@fenceline/store/kubernetes/testing";
import { DRIVERS, type Drivers } from "./kinds.ts";
import { startCluster, startReplica } from "./testing/cluster.ts";
import { CAPTURED_MESH, CONFIG } from "./testing/mesh.ts";
import { startCollector } from "./testing/running-collector.ts";

const [FENCES] = SERVICE_FENCES as [Resource, Resource];
const [PUMPS] = resourcesOf(PUMP) as [Resource];

/** The object as the server has it, with another spec and generation. */
function edit(server: FakeApiServer, spec: object, generation: number, resource = FENCES): void {
  const object = server.get(resource, FENCE) as unknown as OwnObject;
  server.put(resource, { ...object, metadata: { ...object.metadata, generation }, spec });
}

function conditionOf(server: FakeApiServer, type: string, resource = FENCES): Condition | undefined {
  const { conditions = [] } = (server.get(resource, FENCE)?.status ?? {}) as { readonly conditions?: readonly Condition[] };
  return conditions.find((condition) => condition.type === type);
}

const statusWrites = (server: FakeApiServer) =>
  server.requests.filter(({ method, path }) => method === "PATCH" && path.endsWith("/status")).length;
const hostsOf = (server: FakeApiServer) => [(server.get(SIDECARS, FENCE) as Sidecar | undefined) ?? []].flat().flatMap(sidecarHosts);

test("T-17 a fence that becomes invalid says field, reason and generation, keeps what is rendered, and is ready again once mended", async (t) => {
  const valid = { enable: true, host: { "b.test1": null } };
  const { server, collector } = await startCluster(t, (each) => each.put(FENCES, fence({ spec: valid })));
  await until(() => conditionOf(server, "Enforced")?.status === "True");
  const rendered = hostsOf(server);
  const faults = [{ host: { "b..test1": null } }, { workloadSelector: { labels: { app: 1 } } }, { idleWindow: "soon" }, { host: 7 }];
  for (const [index, fault] of faults.entries()) {
    const generation = 2 + index;
    edit(server, { ...valid, ...fault }, generation);
    await until(() => conditionOf(server, "Ready")?.observedGeneration === generation);
    const { status, reason, message = "" } = conditionOf(server, "Ready") ?? {};
    assert.deepEqual([status, reason], ["False", "SpecInvalid"]);
    assert.match(message, new RegExp(`^spec\\.${Object.keys(fault)[0]}.*: .*; what was rendered before stays in force$`));
    assert.equal(conditionOf(server, "Enforced")?.status, "True");
    assert.deepEqual(hostsOf(server), rendered);
  }
  const { lastTransitionTime } = conditionOf(server, "Ready") ?? {};
  await collector.idle();
  const before = statusWrites(server);
  edit(server, { ...valid, host: 7 }, 9);
  await until(() => conditionOf(server, "Ready")?.observedGeneration === 9);
  await collector.idle();
  assert.equal(statusWrites(server) - before, 1);
  assert.equal(conditionOf(server, "Ready")?.lastTransitionTime, lastTransitionTime);

  edit(server, valid, 10);
  await until(() => conditionOf(server, "Ready")?.status === "True");
  assert.deepEqual(hostsOf(server), rendered);
});

test("T-17 what another replica learns for an invalid fence is rendered: the spec before stays in force, the status is that of now", async (t) => {
  const { server } = await startCluster(t);
  await until(() => conditionOf(server, "Enforced")?.status === "True");
  edit(server, { enable: true, idleWindow: "soon" }, 2);
  await until(() => conditionOf(server, "Ready")?.reason === "SpecInvalid");
  const seen = new Date().toISOString();
  const domain = { hosts: ["c.example"], status: "ACTIVE", source: "learned", firstSeen: seen, lastSeen: seen, requests: 1, ports: [80] };
  const object = server.get(FENCES, FENCE) as unknown as OwnObject & { readonly status: { readonly domains: object } };
  server.put(FENCES, { ...object, status: { ...object.status, domains: { ...object.status.domains, "c.example": domain } } });
  await until(() => hostsOf(server).some((host) => host.endsWith("/c.example")));
  assert.equal(conditionOf(server, "Ready")?.reason, "SpecInvalid");
});

test("T-17 a fence that became invalid while nobody looked says so, and keeps what is rendered and what it had learned", async (t) => {
  const seen = new Date().toISOString();
  const domain = { hosts: ["c.example"], status: "ACTIVE", source: "learned", firstSeen: seen, lastSeen: seen, requests: 1, ports: [80] };
  const status = { domains: { "c.example": domain } };
  const { server, leadership } = await startCluster(t, (each) => each.put(FENCES, fence({ status })));
  await until(() => conditionOf(server, "Enforced")?.status === "True");
  const rendered = hostsOf(server);
  assert.notDeepEqual(rendered, []);
  leadership.leads = false;

  edit(server, { enable: true, host: { "b..test1": null } }, 3);
  const { collector } = await startReplica(t, server);
  await until(() => conditionOf(server, "Ready")?.observedGeneration === 3);
  const { reason, message } = conditionOf(server, "Ready") ?? {};
  assert.equal(reason, "SpecInvalid");
  assert.match(message ?? "", /^spec\.host\['b\.\.test1'\]: /);
  await collector.idle();
  assert.deepEqual(hostsOf(server), rendered);
  const { domains } = (server.get(FENCES, FENCE)?.status ?? {}) as { readonly domains?: object };
  assert.deepEqual(Object.keys(domains ?? {}), ["c.example"]);

  const before = statusWrites(server);
  collector.lead();
  await collector.idle();
  assert.equal(statusWrites(server), before, "what is said already is not written again");
});

test("T-17 the same holds over a folder, also for a fence that was never valid", async (t) => {
  const running = await startCollector(t, CAPTURED_MESH);
  const manifest = (name: string, spec: object) =>
    JSON.stringify({ apiVersion: FENCES.apiVersion, kind: "ServiceFence", metadata: { name, namespace: "test1" }, spec });
  const state = (name: string) => running.read(`state/test1/ServiceFence-${name}.yaml`);
  const sidecar = () => running.read("rendered/test1/Sidecar-d.yaml");
  running.write("d.yaml", manifest("d", { enable: true, host: { "b.test1": null } }));
  await until(() => sidecar() !== "" && /reason: Rendered/.test(state("d")));
  const rendered = sidecar();

  running.write("d.yaml", manifest("d", { enable: true, host: { "b..test1": null } }));
  running.write("e.yaml", manifest("e", { enable: true, idleWindow: "soon" }));
  await until(() => /reason: SpecInvalid/.test(state("d")) && /reason: SpecInvalid/.test(state("e")));
  assert.match(state("d"), /spec\.host\['b\.\.test1'\]: /);
  assert.match(state("e"), /spec\.idleWindow: /);
  assert.equal(sidecar(), rendered);

  running.write("d.yaml", manifest("d", { enable: true, host: { "b.test1": null } }));
  rmSync(join(running.folder, "e.yaml"));
  await until(() => /reason: Rendered/.test(state("d")) && state("e") === "");
  assert.equal(sidecar(), rendered);
});

test("T-17 of a fence with mistakes the rest is in force, piece by piece, also of one that was never valid", async (t) => {
  const later = (deadline: object) => ({ deadline });
  const spec = {
    enable: true,
    host: { "b..test1": null, "ok.example": null, "soon.example": later({ expire: "soon" }) },
    namespaceSelector: ["shop", 7],
    labelSelector: [{ selector: { tier: 1 } }, "all"],
    idleWindow: "soon",
    warmUp: { preload: ["pre.example", "a b"], for: "2 days" },
  };
  const { server, condition, message, warnings } = await startCluster(t, (each) => each.put(FENCES, fence({ spec })));
  await until(() => condition("Enforced") === "True SidecarRendered");
  for (const shown of ["*/ok.example", "*/soon.example", "*/pre.example", "shop/*"]) assert.ok(hostsOf(server).includes(shown), shown);
  assert.deepEqual([condition("Accepted"), condition("Ready")], ["False SpecInvalid", "False SpecInvalid"]);
  for (const path of [/spec\.host\['b\.\.test1'\]: /, /spec\.host\['soon\.example'\]\.deadline/, /the rest of the spec counts/])
    assert.match(message("Accepted"), path);
  assert.deepEqual(warnings(), []);

  // A host that becomes a mistake stays; what is written beside it counts at once.
  edit(server, { ...spec, host: { "ok..example": null, "new.example": null } }, 2);
  await until(() => hostsOf(server).includes("*/new.example"));
  assert.ok(hostsOf(server).includes("*/ok.example"));

  edit(server, { enable: true, host: { "new.example": null } }, 3);
  await until(() => condition("Ready") === "True Rendered");
  assert.deepEqual([condition("Accepted"), hostsOf(server).includes("*/ok.example")], [undefined, false]);
});

test("T-17 every field whose mistake decides nothing about whom a fence is for costs itself alone", async (t) => {
  for (const mistake of [
    { serviceEntries: "visible" },
    { maxHosts: 0 },
    { maxHosts: "10" },
    { tcp: "Visible" },
    { idleWindow: 60 },
    { warmUp: 7 },
    { namespaceSelector: "shop" },
    { labelSelector: { selector: {} } },
    { host: ["b.example"] },
  ]) {
    const { server, condition, message } = await startCluster(t);
    await until(() => condition("Enforced") === "True SidecarRendered");
    const [field] = Object.keys(mistake);
    edit(
      server,
      { enable: true, ...("host" in mistake ? { warmUp: { preload: ["new.example"] } } : { host: { "new.example": null } }), ...mistake },
      2,
    );
    await until(() => conditionOf(server, "Accepted")?.observedGeneration === 2 && hostsOf(server).includes("*/new.example"));
    assert.equal(condition("Accepted"), "False SpecInvalid");
    assert.match(message("Accepted"), new RegExp(`^spec\\.${field}`));
  }
});

test("T-17 a host of a spec with a mistake that was shown before is shown after a restart, too", async (t) => {
  const { server, leadership, collector } = await startCluster(t, (each) =>
    each.put(FENCES, fence({ spec: { enable: true, host: { "b.example": null } } })),
  );
  await until(() => hostsOf(server).includes("*/b.example"));
  await collector.idle();
  leadership.leads = false;
  edit(server, { enable: true, host: { "b..example": null, "c.example": null } }, 2);
  await startReplica(t, server);
  await until(() => conditionOf(server, "Accepted")?.observedGeneration === 2 && hostsOf(server).includes("*/c.example"));
  assert.ok(hostsOf(server).includes("*/b.example"));
});

test("T-17 whom a fence is for, and whether it is on, nobody guesses: the version before stays in force whole", async (t) => {
  for (const mistake of [
    { workloadselector: { labels: { app: "b" } } },
    { mode: "Enforced" },
    { workloadSelector: { labels: { app: 7 } } },
  ]) {
    const { server, condition } = await startCluster(t);
    await until(() => condition("Enforced") === "True SidecarRendered");
    const rendered = hostsOf(server);
    edit(server, { enable: true, host: { "new.example": null }, ...mistake }, 2);
    await until(() => conditionOf(server, "Accepted")?.observedGeneration === 2);
    assert.deepEqual([condition("Accepted"), hostsOf(server)], ["False SpecInvalid", rendered]);
  }
});

test("T-17 a selector by labels that no pod can have is a mistake: it says so, and what was rendered stays in force", async (t) => {
  const { server, condition, message } = await startCluster(t);
  await until(() => condition("Enforced") === "True SidecarRendered");
  const rendered = hostsOf(server);
  edit(server, { enable: true, workloadSelector: { labels: { app: "a b" } } }, 2);
  await until(() => condition("Accepted") === "False SpecInvalid");
  assert.match(message("Accepted"), /^spec\.workloadSelector: .*no pod can have the label "app": "a b"/);
  assert.deepEqual([condition("Ready"), condition("Enforced")], ["False SelectorInvalid", "True SidecarRemains"]);
  assert.deepEqual(hostsOf(server), rendered);
  edit(server, { enable: true, namespaceSelector: ["Team_A"] }, 3);
  await until(() => condition("Ready") === "True Rendered");
  assert.equal(condition("Accepted"), "False SpecInvalid");
  assert.match(message("Accepted"), /^spec\.namespaceSelector\[0\] 'Team_A'/);
});

test("T-17 mode: Off beside a mistake stops a fence, too", async (t) => {
  const { server, condition } = await startCluster(t);
  await until(() => condition("Enforced") === "True SidecarRendered");
  edit(server, { mode: "Off", workloadSelector: 7 }, 2);
  await until(() => condition("Enforced") === "False ModeOff");
  assert.deepEqual([hostsOf(server), condition("Accepted")], [[], "False SpecInvalid"]);
});

test("T-17 standalone, a file with a mistake in a fence has its other objects and the rest of the fence in force", async (t) => {
  const running = await startCollector(t, CAPTURED_MESH);
  const manifest = { apiVersion: FENCES.apiVersion, kind: "ServiceFence", metadata: { name: "d", namespace: "test1" } };
  running.write("d.yaml", JSON.stringify({ ...manifest, spec: { enable: true, host: { "b..test1": null, "c.example": null } } }));
  await until(() => running.read("rendered/test1/Sidecar-d.yaml").includes("*/c.example"));
  await until(() => /type: Accepted/.test(running.read("state/test1/ServiceFence-d.yaml")));
});

/** What any kind with conditions does. */
function pumps({ store }: { readonly store: Pick<Store, "objectOf"> }): DrivenKind<Pump> {
  const reconciler: Reconciler<Pump, PumpStatus> = {
    kind: PUMP,
    observe: (of) => store.objectOf(PUMP, of),
    desired: ({ spec, status }) => {
      const accepted = { type: "Accepted", status: "True", reason: "Read", message: "" } as const;
      return { objects: [], status: { running: spec.stages.length, conditions: [withTransition(accepted, status.conditions, 0)] } };
    },
    statusToWrite: (of, { status }) => {
      const reasonIn = (each: PumpStatus | undefined) => each?.conditions?.[0]?.reason;
      return reasonIn(store.objectOf(PUMP, of)?.status) === reasonIn(status) ? undefined : status;
    },
  };
  return { kind: PUMP, reconciler };
}

test("T-17 any kind with a condition for it says it, be its objects invalid from the start or not", async (t) => {
  const drivers: Drivers = { ...DRIVERS, Pump: pumps };
  const stage = { name: "one", fillInterval: { seconds: 1 } };
  const valid = { workloadLabels: { app: "a" }, stages: [stage], pressure: 1 };
  const prepare = (each: FakeApiServer) => each.put(PUMPS, { metadata: { ...FENCE, generation: 1 }, spec: { ...valid, pressure: 0 } });
  const { server } = await startCluster(t, prepare, true, CONFIG, undefined, { kinds: [...OWN_KINDS, PUMP], drivers });
  const accepted = () => conditionOf(server, "Accepted", PUMPS);
  await until(() => accepted()?.reason === "SpecInvalid");
  assert.deepEqual([accepted()?.status, accepted()?.observedGeneration], ["False", 1]);
  assert.match(accepted()?.message ?? "", /^spec\.pressure: /);
  edit(server, valid, 2, PUMPS);
  await until(() => accepted()?.status === "True");
  edit(server, { ...valid, stages: [] }, 3, PUMPS);
  await until(() => accepted()?.observedGeneration === 3);
  assert.match(accepted()?.message ?? "", /^spec\.stages: /);
});

test("T-17 what can be read in one way only is: a host in capitals, with a trailing dot or a port", async (t) => {
  const { server, condition } = await startCluster(t, (each) =>
    each.put(FENCES, fence({ spec: { enable: true, host: { "B.Test1.svc:8080": null, "C.example.": {}, "d.example:443": null } } })),
  );
  await until(() => condition("Enforced") === "True SidecarRendered");
  assert.equal(condition("Accepted"), undefined);
  for (const host of ["c.example", "d.example"])
    assert.ok(
      hostsOf(server).some((each) => each.endsWith(`/${host}`)),
      host,
    );
});

test("T-17 the emergency stop works whatever else a spec says, of a fence that was valid and of a new one, and says what is wrong", async (t) => {
  for (const rest of [
    { host: { "a b": null } },
    { host: 7, idleWindow: [] },
    { unknown: {}, workloadSelector: "all" },
    { enable: "False" },
  ]) {
    const { server, condition, message, collector } = await startCluster(t);
    await until(() => condition("Enforced") === "True SidecarRendered");
    edit(server, { enable: false, ...rest }, 5);
    await until(() => condition("Enforced") === "False ModeOff");
    assert.deepEqual([hostsOf(server), condition("Accepted")], [[], "False SpecInvalid"]);
    assert.match(message("Accepted"), new RegExp(`spec\\.?${Object.keys(rest)[0] === "unknown" ? "" : Object.keys(rest)[0]}`));
    assert.equal(conditionOf(server, "Accepted")?.observedGeneration, 5);
    await collector.idle();
    edit(server, { enable: true }, 6);
    await until(() => condition("Enforced") === "True SidecarRendered");
    assert.equal(condition("Accepted"), undefined);
  }
});

test("T-17 standalone, too, the emergency stop works in a manifest with a mistake", async (t) => {
  const running = await startCollector(t, CAPTURED_MESH);
  assert.notEqual(running.read("rendered/test1/Sidecar-a.yaml"), "");
  running.write("mesh.yaml", CAPTURED_MESH.replace("spec: {enable: true}", "spec: {enable: false, host: {'a b': {}}, idleWindow: soon}"));
  await until(() => running.read("rendered/test1/Sidecar-a.yaml") === "");
  await until(() => running.read("state/test1/ServiceFence-a.yaml").includes("type: Accepted"));
});
