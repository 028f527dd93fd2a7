import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { encodeAccessLogMessage } from "@fenceline/als";
import { Config } from "@fenceline/api";
import { until } from "@fenceline/api/testing";
import { startCollector } from "../../testing/running-collector.ts";

/** Two tenants with a fence each. Nothing is believed without a certificate here. */
const TENANTS = `
{apiVersion: v1, kind: Service, metadata: {name: b, namespace: victim}, spec: {clusterIP: 10.0.0.2, ports: [{name: http, port: 80}]}}
---
{apiVersion: microservice.slime.io/v1alpha1, kind: ServiceFence, metadata: {name: a, namespace: victim}, spec: {enable: true}}
---
{apiVersion: microservice.slime.io/v1alpha1, kind: ServiceFence, metadata: {name: a, namespace: evil}, spec: {enable: true}}
`;
const config = Config.parse({ namespace: "mesh-operator" });
const certificateOf = (namespace: string) => ({ "x-forwarded-client-cert": `Hash=1;URI=spiffe://cluster.local/ns/${namespace}/sa/a` });

interface Claim {
  readonly logName?: string;
  readonly namespace?: string;
  readonly version?: string;
}

const said = ({ logName = "", namespace = "", version = "" }: Claim) => [
  encodeAccessLogMessage({
    identifier: { logName, node: { id: "n", namespace, labels: namespace === "" ? {} : { app: "a" }, istioVersion: version } },
    entries: [{ upstreamCluster: "outbound|80||b.victim.svc.cluster.local", authority: "b.victim", responseCode: 200 }],
  }),
];

async function setUp(t: TestContext, proxyVersion?: string) {
  const options = { config, ...(proxyVersion !== undefined && { proxyVersion }) };
  const running = await startCollector(t, TENANTS, undefined, options);
  const claim = (of: string, what: Claim) => running.send(said(what), undefined, certificateOf(of));
  const statusOf = (namespace: string) => {
    const described = running.collector.reader.describe({ namespace, name: "a" });
    assert.ok(described !== undefined);
    return described.status;
  };
  const hasOnDemand = (namespace: string, name = "a") =>
    running.read(`rendered/${namespace}/EnvoyFilter-${name}.yaml`).includes("on_demand");
  return { running, claim, statusOf, hasOnDemand };
}

test("T-04 a false claim teaches nothing, observes nothing, names no version, and does not make telemetry flow", async (t) => {
  const { running, claim, statusOf, hasOnDemand } = await setUp(t, "1.31.0");
  const before = statusOf("victim");
  for (const what of [{ logName: "fenceline/victim/a" }, { namespace: "victim" }, { logName: "fenceline/victim/a", namespace: "evil" }]) {
    await claim("evil", { ...what, version: "1.5.0" });
    await running.send(said({ ...what, version: "1.5.0" }));
    await running.send(said({ ...what, version: "1.5.0" }), undefined, {
      "x-forwarded-client-cert": `${certificateOf("victim")["x-forwarded-client-cert"]}"`,
    });
  }
  await running.collector.idle();
  const after = statusOf("victim");
  assert.deepEqual([after.domains, after.observedUntil], [{}, undefined]);
  assert.deepEqual(after.conditions, before.conditions);
  assert.equal(hasOnDemand("victim"), true);
});

test("T-04 a version that one tenant's proxy names counts for no other tenant's silent fence, whether our own proxy has one or not", async (t) => {
  for (const own of ["1.31.0", undefined]) {
    const { running, claim, hasOnDemand } = await setUp(t, own);
    await claim("evil", { logName: "fenceline/evil/a", version: own === undefined ? "1.31.0" : "1.5.0" });
    // Every fence is looked at anew when the mesh changes.
    running.write(
      "more.yaml",
      "{apiVersion: microservice.slime.io/v1alpha1, kind: ServiceFence, metadata: {name: z, namespace: victim}, spec: {enable: true}}",
    );
    await until(() => running.read("rendered/victim/EnvoyFilter-z.yaml") !== "");
    await running.collector.idle();
    assert.equal(hasOnDemand("evil"), own === undefined);
    assert.deepEqual([hasOnDemand("victim"), hasOnDemand("victim", "z")], [own !== undefined, own !== undefined]);
  }
});

test("T-04 a version is believed from a proxy that the fence selects, not from another pod of its namespace that says so", async (t) => {
  const { running, claim, hasOnDemand } = await setUp(t, "1.31.0");
  const [message] = said({ logName: "fenceline/victim/a", version: "1.5.0" });
  assert.ok(message !== undefined);
  const other = encodeAccessLogMessage({
    identifier: { logName: "fenceline/victim/a", node: { id: "n", namespace: "victim", labels: { app: "other" }, istioVersion: "1.5.0" } },
    entries: [{ authority: "b.victim" }],
  });
  await running.send([other], undefined, certificateOf("victim"));
  await claim("victim", { logName: "fenceline/victim/a", namespace: "victim", version: "not a version" });
  await running.collector.idle();
  assert.equal(hasOnDemand("victim"), true);
  await claim("victim", { logName: "fenceline/victim/a", namespace: "victim", version: "1.5.0" });
  await running.collector.idle();
  assert.equal(hasOnDemand("victim"), false);
});

test("T-04 a workload's own proxy cannot speak as the fallback: a source in its entries changes nothing", async (t) => {
  const { running, statusOf } = await setUp(t);
  const entry = { upstreamCluster: "outbound|80||b.victim.svc.cluster.local", authority: "b.victim", responseCode: 403 };
  const identifier = { logName: "fenceline/evil/a", node: { id: "n" } };
  // The fallback's 403s teach: the callee refused the fallback and not the workload. A workload's
  // own do not.
  await running.send(
    [
      encodeAccessLogMessage({
        identifier,
        entries: [
          { ...entry, fenceSource: "victim/a" },
          { ...entry, fenceSource: "evil/a" },
        ],
      }),
    ],
    undefined,
    certificateOf("evil"),
  );
  assert.deepEqual([statusOf("victim").domains, statusOf("evil").domains], [{}, {}]);
});

test("T-04 a pod of the namespace with a service account that the fence does not name teaches it nothing, under whatever log name and labels", async (t) => {
  const { running, statusOf } = await setUp(t);
  const fence = (name: string, more = "") =>
    `{apiVersion: microservice.slime.io/v1alpha1, kind: ServiceFence, metadata: {name: ${name}, namespace: shop}, spec: {enable: true, workloadSelector: {labels: {app: a}}${more}}}`;
  running.write("shop.yaml", `${fence("a", ", serviceAccounts: [a]")}\n---\n${fence("z")}`);
  await until(() => running.collector.reader.describe({ namespace: "shop", name: "z" }) !== undefined);
  const learned = (name: string) => {
    const described = running.collector.reader.describe({ namespace: "shop", name });
    return [Object.keys(described?.status.domains ?? {}), described?.status.observedUntil !== undefined];
  };
  const as = (account: string) => ({ "x-forwarded-client-cert": `Hash=1;URI=spiffe://cluster.local/ns/shop/sa/${account}` });
  await running.send(said({ logName: "fenceline/shop/a" }), undefined, as("other"));
  await running.send(said({ logName: "fenceline/shop/a", namespace: "shop" }), undefined, as("other"));
  assert.deepEqual(
    [learned("a"), learned("z")],
    [
      [[], false],
      [[], false],
    ],
  );
  // It is believed for the fence that takes every account, and so teaches that one alone.
  await running.send(said({ logName: "fenceline/shop/z", namespace: "shop" }), undefined, as("other"));
  const b = ["b.victim.svc.cluster.local"];
  assert.deepEqual(
    [learned("a"), learned("z")],
    [
      [[], false],
      [b, true],
    ],
  );
  await running.send(said({ logName: "fenceline/shop/a", namespace: "shop" }), undefined, as("a"));
  assert.deepEqual(learned("a"), [b, true]);
  assert.deepEqual(statusOf("victim").domains, {});
});
