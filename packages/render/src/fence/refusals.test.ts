import assert from "node:assert/strict";
import { test } from "node:test";
import { Config, Service, ServiceFence } from "@fenceline/api";
import { Registry } from "@fenceline/registry";
import fc from "fast-check";
import { renderFence, workloadLabels } from "./render-fence.ts";

const OTHER_ROOT = Config.parse({ istioNamespace: "istio-control", rootNamespace: "istio-config", namespace: "mesh-operator" });

function rendered(namespace: string, spec: object = {}, { config = Config.parse({}), name = "a", services = [] as Service[] } = {}) {
  const metadata = { namespace, name };
  const fence = ServiceFence.parse({
    apiVersion: "microservice.slime.io/v1alpha1",
    kind: "ServiceFence",
    metadata,
    spec: { enable: true, ...spec },
  });
  const registry = new Registry({ services, endpointSlices: [] });
  return renderFence({ fence, hosts: [], labels: workloadLabels(fence, registry, config), config, proxyVersions: [] });
}

const reasonOf = (result: ReturnType<typeof rendered>) => ("refused" in result ? result.refused.reason : undefined);

for (const [namespace, config] of [
  ["istio-system", Config.parse({})],
  ["fenceline", Config.parse({})],
  ["istio-control", OTHER_ROOT],
  ["istio-config", OTHER_ROOT],
  ["mesh-operator", OTHER_ROOT],
] as const)
  for (const spec of [{}, { mode: "Observe" }, { workloadSelector: { labels: { app: "x" } } }, { workloadSelector: { fromService: true } }])
    test(`T-07 nothing is rendered for a fence in ${namespace} with ${JSON.stringify(spec)}, and the refusal says what to do`, () => {
      const service = Service.parse({
        apiVersion: "v1",
        kind: "Service",
        metadata: { namespace, name: "a" },
        spec: { selector: { app: "a" } },
      });
      const result = rendered(namespace, spec, { config, services: [service] });
      assert.deepEqual([reasonOf(result), result.objects], ["NamespaceReserved", []]);
      assert.match(
        "refused" in result ? result.refused.message : "",
        new RegExp(`^namespace ${namespace} is .*: delete ServiceFence ${namespace}/a`),
      );
    });

test("T-07 a fence of another namespace is rendered, also where the default root namespace is not Istio's", () => {
  assert.equal(rendered("shop").objects.length, 2);
  assert.equal(rendered("istio-system", {}, { config: OTHER_ROOT }).objects.length, 2);
});

const SELECTORS: readonly (readonly [what: string, labels: Record<string, string>])[] = [
  ["a label without a value", { app: "" }],
  ["an empty key", { "": "a" }],
  ["a wildcard", { app: "*" }],
  ["a wildcard key", { "*": "a" }],
  ["a value that no label can have", { app: "a b" }],
  ["a value that is too long", { app: "a".repeat(64) }],
];

for (const [what, labels] of SELECTORS)
  test(`T-07 nothing is rendered for a selector with ${what}`, () => {
    assert.equal(reasonOf(rendered("shop", { workloadSelector: { labels } })), "SelectorInvalid");
    const service = Service.parse({
      apiVersion: "v1",
      kind: "Service",
      metadata: { namespace: "shop", name: "a" },
      spec: { selector: labels },
    });
    assert.equal(reasonOf(rendered("shop", { workloadSelector: { fromService: true } }, { services: [service] })), "SelectorInvalid");
  });

test("T-07 T-11 a selector of a megabyte is not repeated whole in the fence's condition and the log", () => {
  for (const labels of [{ app: "a".repeat(1e6) }, { ["a".repeat(1e6)]: "a" }, { app: '"'.repeat(1e6) }]) {
    const result = rendered("shop", { workloadSelector: { labels } });
    const message = "refused" in result ? result.refused.message : "";
    assert.match(message, /1000000 characters/);
    assert.ok(message.length < 1_000, `${message.length} characters`);
  }
});

test("T-07 a fence whose name no label can have names no workload", () => {
  assert.equal(reasonOf(rendered("shop", {}, { name: "a".repeat(64) })), "SelectorInvalid");
});

test("T-07 a label without a value beside one that has one is taken as Kubernetes takes it", () => {
  assert.equal(rendered("shop", { workloadSelector: { labels: { app: "a", canary: "" } } }).objects.length, 2);
});

test("law: whatever a fence says, what is rendered stands in its own namespace and selects pods by a label with a value", () => {
  const text = fc.oneof(fc.string({ maxLength: 70 }), fc.constantFrom("", "*", "app", "istio.io/rev"));
  const namespaces = fc.constantFrom("shop", "istio-system", "fenceline", "default");
  fc.assert(
    fc.property(
      fc.dictionary(text, text),
      fc.dictionary(text, text),
      namespaces,
      fc.boolean(),
      (labels, selector, namespace, fromService) => {
        const service = Service.parse({ apiVersion: "v1", kind: "Service", metadata: { namespace, name: "a" }, spec: { selector } });
        for (const { metadata, spec } of rendered(namespace, { workloadSelector: { labels, fromService } }, { services: [service] })
          .objects) {
          assert.equal(["istio-system", "fenceline"].includes(metadata.namespace), false);
          assert.equal(metadata.namespace, namespace);
          assert.ok(Object.values(spec.workloadSelector.labels).some((value) => value !== ""));
        }
      },
    ),
  );
});
