import assert from "node:assert/strict";
import { test } from "node:test";
import { parseManifests, WRITTEN_SIDECAR } from "@fenceline/api";
import fc from "fast-check";
import { type Compared, differences, differencesText } from "./differences.ts";
import { importedSidecar } from "./imported-sidecar.ts";

const OPTIONS = { istioNamespace: "istio-system", clusterDomain: "cluster.local" };

function imported(spec: object, labels: object = {}) {
  const sidecar = { apiVersion: "networking.istio.io/v1", kind: "Sidecar", metadata: { name: "web", namespace: "shop", labels }, spec };
  const [written = assert.fail()] = parseManifests(JSON.stringify(sidecar), "sidecar.yaml", [WRITTEN_SIDECAR]).objects;
  return importedSidecar(written, OPTIONS);
}

test("a Sidecar as Kiali generates it becomes a fence that declares its hosts", () => {
  const hosts = ["istio-system/*", "shop/reviews.shop.svc.cluster.local"];
  const { exported, told } = imported({ workloadSelector: { labels: { app: "web" } }, egress: [{ hosts }] }, { kiali_wizard: "Sidecar" });
  assert.deepEqual(exported?.object, {
    apiVersion: "microservice.slime.io/v1alpha1",
    kind: "ServiceFence",
    metadata: { name: "web", namespace: "shop" },
    spec: {
      enable: true,
      workloadSelector: { labels: { app: "web" }, fromService: false },
      host: { "reviews.shop.svc.cluster.local": { stable: {} } },
    },
  });
  assert.deepEqual(told, ["egress[0].hosts istio-system/*: every fence shows it"]);
});

test("of a Sidecar that a person wrote each thing without a meaning in a fence is told", () => {
  const egress = [
    { port: { number: 80 }, captureMode: "DEFAULT", hosts: ["./*", "*/api.example.com", "~bank/*", "bank/api.example.com", "x", "*/*"] },
  ];
  const { exported, told } = imported({
    workloadSelector: { labels: { app: "web" } },
    egress,
    outboundTrafficPolicy: { mode: "REGISTRY_ONLY" },
    ingress: [],
  });
  const { host, namespaceSelector } = (exported ?? assert.fail()).object.spec as { host: object; namespaceSelector: unknown };
  assert.deepEqual([Object.keys(host), namespaceSelector], [["api.example.com", "shop/*"], ["*"]]);
  assert.deepEqual(
    told.map((each) => each.split(":", 1)[0]),
    [
      "outboundTrafficPolicy",
      "ingress",
      "egress[0].port",
      "egress[0].captureMode",
      "egress[0].hosts ~bank/*",
      "egress[0].hosts bank/api.example.com",
      "egress[0].hosts x",
    ],
  );
});

test("a Sidecar for a whole namespace, and one that Fenceline rendered, become no fence", () => {
  assert.match(imported({ egress: [{ hosts: ["./*"] }] }).told.join(), /all pods of its namespace/);
  const rendered = imported({ workloadSelector: { labels: { app: "web" } } }, { "app.kubernetes.io/managed-by": "fenceline" });
  assert.equal(rendered.exported, undefined);
});

function fence(name: string, host: object, mode = "Enforce"): Compared {
  return { apiVersion: "x/v1", kind: "ServiceFence", metadata: { name, namespace: "shop" }, spec: { mode, host } };
}

test("differences are told by object and field", () => {
  const before = [fence("a", { x: { stable: {} } }), fence("b", {}), fence("c", {})];
  const after = [fence("a", { y: { stable: {} } }, "Observe"), fence("b", {}), fence("d", {})];
  assert.equal(
    differencesText(differences(before, after)),
    `~ ServiceFence shop/a
    - spec.host.x.stable: {}
    + spec.host.y.stable: {}
    ~ spec.mode: "Enforce" -> "Observe"
- ServiceFence shop/c
+ ServiceFence shop/d
`,
  );
});

test("lists of texts are sets, and their order says nothing", () => {
  const sidecar = (hosts: readonly string[]): Compared => ({ ...fence("a", {}), kind: "Sidecar", spec: { egress: [{ hosts }] } });
  assert.deepEqual(differences([sidecar(["a/*", "b/*"])], [sidecar(["b/*", "a/*"])]), []);
  const [{ fields } = assert.fail()] = differences([sidecar(["a/*", "b/*"])], [sidecar(["b/*", "c/*"])]);
  assert.deepEqual(fields, [
    { path: "spec.egress[0].hosts", before: "a/*" },
    { path: "spec.egress[0].hosts", after: "c/*" },
  ]);
});

test("what is the same differs in nothing, and what is added to one side is removed from the other", () => {
  const lot = fc.uniqueArray(fc.tuple(fc.constantFrom("a", "b", "c"), fc.object()), { selector: ([name]) => name });
  fc.assert(
    fc.property(lot, lot, (one, other) => {
      const [before, after] = [one, other].map((each) => each.map(([name, host]) => fence(name, host))) as [Compared[], Compared[]];
      assert.deepEqual(differences(before, before.toReversed()), []);
      const there = differences(before, after);
      const back = differences(after, before);
      assert.equal(there.length, back.length);
      for (const [at, { change }] of there.entries())
        assert.equal(back[at]?.change, { added: "removed", removed: "added", changed: "changed" }[change]);
    }),
  );
});
