/** T-18: of several that are for the same pods one is in force, and the others say so. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Condition, Labels, Sidecar } from "@fenceline/api";
import { until } from "@fenceline/api/testing";
import type { FakeApiServer, Resource } from "@fenceline/kubernetes/testing";
import { ENVOY_FILTERS, FENCE, fence, SERVICE_FENCES, SERVICES, SIDECARS } from "@fenceline/store/kubernetes/testing";
import fc from "fast-check";
import { mayMeet } from "./fence/conflict.ts";
import { openStream } from "./testing/access-log-stream.ts";
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

test("T-18 a fence that is made later meets another one by the labels of a pod whose stream was open before, until that is gone", async (t) => {
  const { server, collector, condition } = await startCluster(t, (fake) => fake.put(FENCES, older()));
  await until(() => condition("Enforced") === "True SidecarRendered");
  const labels = { app: "a", tier: "web" };
  const stream = openStream(t, collector, { id: "sidecar~10.77.1.5~a-1.test1~test1.svc.cluster.local", namespace: "test1", labels });
  stream.call();
  await until(() => condition("TelemetryFlowing") === "True AccessLogsArrive");
  server.put(FENCES, later({ tier: "web" }));
  await until(() => conditionOf(server, "Ready") !== "");
  await collector.idle();
  assert.match(conditionOf(server, "Conflict"), /^True OtherFence: fence test1\/a is for the same pods/);
  assert.deepEqual(isThere(server), [false, false]);
  stream.close();
  await until(() => conditionOf(server, "Conflict").startsWith("False") && isThere(server).every((there) => there));
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

/** `test1/<name>`, by name of age: `a` is the oldest. */
function aged(name: string, labels: Labels, spec: object = {}) {
  const creationTimestamp = `2026-01-0${name.charCodeAt(0) - 96}T00:00:00Z`;
  return {
    ...fence(),
    metadata: { namespace: "test1", name, uid: name, creationTimestamp },
    spec: { enable: true, workloadSelector: { labels }, ...spec },
  };
}

const keyOf = (name: string) => ({ namespace: "test1", name });
const inForceIn = (server: FakeApiServer, names: readonly string[]) =>
  names.filter((name) => server.get(SIDECARS, keyOf(name)) !== undefined).join("");

test("T-18 a fence that gives way itself holds back nobody: of a chain the first and the third are in force, whatever comes, goes or changes", async (t) => {
  const [a, b, c, d] = [
    aged("a", { app: "a" }),
    aged("b", { app: "a", tier: "web" }),
    aged("c", { tier: "web" }),
    aged("d", { tier: "web", zone: "1" }),
  ];
  const { server, collector } = await startCluster(t, (fake) => {
    for (const each of [a, b, c, d]) fake.put(FENCES, each);
  });
  const names = ["a", "b", "c", "d"];
  const settles = async (expected: string) => {
    await until(() => inForceIn(server, names) === expected);
    await collector.idle();
    assert.equal(inForceIn(server, names), expected);
  };
  const put = (of: Pick<ReturnType<typeof aged>, "metadata"> & { readonly spec: object }) =>
    server.put(FENCES, { ...(server.get(FENCES, keyOf(of.metadata.name)) as object), ...of });
  const rivals = (name: string) => /^True OtherFence: fence (\S+) is/.exec(conditionOf(server, "Conflict", keyOf(name)))?.[1];
  await settles("ac");
  await until(() => rivals("b") === "test1/a" && rivals("d") === "test1/c");
  assert.equal(rivals("c"), undefined);

  put({ ...a, spec: { enable: false } });
  await settles("b");
  await until(() => rivals("c") === "test1/b" && rivals("d") === "test1/b");
  put({ ...a, spec: { ...a.spec, mode: "Observe" } });
  // It is rendered for all the same, and is in force: but without a Sidecar.
  await settles("c");
  await until(() => rivals("b") === "test1/a");
  put({ ...a, spec: { ...a.spec, workloadSelector: { labels: { app: "other" } } } });
  await settles("ab");
  put(a);
  await settles("ac");
  server.remove(FENCES, keyOf("a"));
  await settles("b");
  server.put(FENCES, a);
  await settles("ac");
  server.remove(FENCES, keyOf("b"));
  server.remove(FENCES, keyOf("c"));
  await settles("ad");
});

test("T-18 the end of a fence reaches those that share no label with it, by way of the fences between", async (t) => {
  const fences = [
    aged("a", { x: "1", y: "1" }),
    aged("b", { x: "1", z: "1" }),
    aged("c", { y: "2", z: "1", v: "1" }),
    aged("d", { x: "2", v: "1" }),
    aged("e", { x: "2", y: "1", w: "1" }),
  ];
  const { server, collector } = await startCluster(t, (fake) => {
    for (const each of fences) fake.put(FENCES, each);
  });
  const isInForce = (expected: string) => () => inForceIn(server, [..."abcde"]) === expected;
  await until(isInForce("ace"));
  await collector.idle();
  server.remove(FENCES, keyOf("a"));
  await until(isInForce("bd"));
  server.put(FENCES, fences[0] as object);
  await until(isInForce("ace"));
});

test("T-18 what a younger fence has rendered leaves before the older one for the same pods comes", async (t) => {
  const { server, collector } = await startCluster(t, (fake) => fake.put(FENCES, aged("b", { tier: "web" })));
  await until(() => inForceIn(server, ["a", "b"]) === "ab");
  const seen: string[] = [];
  await collector.idle();
  server.remove(FENCES, FENCE);
  await until(() => inForceIn(server, ["a", "b"]) === "b");
  const before = server.requests.length;
  server.put(FENCES, aged("a", { tier: "web" }));
  await until(() =>
    conditionOf(server, "Conflict", FENCE).includes(
      "fence test1/b, which is gone or off, or gives way to another one, is for the same pods",
    ),
  );
  await until(() => inForceIn(server, ["a", "b"]) === "a");
  for (const { method, path } of server.requests.slice(before))
    if (path.includes("/sidecars/")) seen.push(`${method} ${path.split("/").at(-1)?.split("?")[0]}`);
  assert.ok(seen.indexOf("DELETE b") >= 0 && seen.indexOf("DELETE b") < seen.indexOf("PATCH a"), seen.join());
});

test("T-18 a pod that is of two fences, told by a Service, has the younger of them give way, and who gave way to that one comes", async (t) => {
  const { server } = await startCluster(t, (fake) => {
    fake.put(FENCES, aged("a", { app: "a" }));
    fake.put(FENCES, aged("b", { tier: "web" }));
    fake.put(FENCES, aged("c", { tier: "web", zone: "1" }));
  });
  const names = ["a", "b", "c"];
  await until(() => inForceIn(server, names) === "ab");
  const service = { metadata: { name: "both", namespace: "test1" }, spec: { selector: { app: "a", tier: "web" }, ports: [{ port: 80 }] } };
  server.put(SERVICES, service);
  await until(() => inForceIn(server, names) === "ac");
  server.remove(SERVICES, service.metadata);
  await until(() => inForceIn(server, names) === "ab");
});

/** What is asked for: fences by their names, each with labels, or off, or not there. */
type Asked = ReadonlyMap<string, ReturnType<typeof aged> | undefined>;

/** From the oldest to the youngest, each that meets none that is in force already. */
function greedy(asked: Asked): string {
  const chosen: { readonly name: string; readonly labels: Labels }[] = [];
  for (const name of [...asked.keys()].sort()) {
    const spec = asked.get(name)?.spec as { readonly enable: boolean; readonly workloadSelector: { readonly labels: Labels } } | undefined;
    const labels = spec?.workloadSelector.labels ?? {};
    if (spec?.enable === true && chosen.every((each) => !mayMeet(each.labels, labels, []))) chosen.push({ name, labels });
  }
  return chosen.map(({ name }) => name).join("");
}

test("T-18 whatever the order of events, what is in force in the end follows from the fences", async (t) => {
  const labels = fc.dictionary(fc.constantFrom("app", "tier", "zone"), fc.constantFrom("1", "2"), { minKeys: 1, maxKeys: 3 });
  const event = fc.record({
    name: fc.constantFrom(..."bcdef"),
    labels,
    enable: fc.boolean(),
    isThere: fc.boolean(),
    settles: fc.boolean(),
  });
  const { server, collector } = await startCluster(t, (fake) => fake.remove(FENCES, FENCE));
  const asked = new Map<string, ReturnType<typeof aged> | undefined>();
  let version = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(event, { minLength: 4, maxLength: 10 }), async (events) => {
      for (const { name, isThere, settles, ...spec } of events) {
        const wanted = isThere ? aged(name, spec.labels, { enable: spec.enable, maxHosts: ++version }) : undefined;
        const live = server.get(FENCES, keyOf(name));
        if (wanted !== undefined) server.put(FENCES, { ...live, ...wanted });
        else if (live !== undefined) server.remove(FENCES, keyOf(name));
        asked.set(name, wanted);
        if (settles) await collector.idle();
      }
      await until(() => inForceIn(server, [..."bcdef"]) === greedy(asked), 20_000);
      await collector.idle();
      assert.equal(inForceIn(server, [..."bcdef"]), greedy(asked));
    }),
    { numRuns: 15, endOnFailure: true },
  );
});
