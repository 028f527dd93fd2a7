import assert from "node:assert/strict";
import { test } from "node:test";
import type { SmartLimiterStatus } from "@fenceline/api";
import type { Desired } from "@fenceline/control";
import { base, limiters, limiterText, rule } from "../testing/limiters.ts";

const condition = ({ status }: Desired<SmartLimiterStatus>, type: string) => status.conditions?.find((each) => each.type === type);

for (const [namespace, config] of [
  ["istio-system", {}],
  ["fenceline", {}],
  ["istio-config", { rootNamespace: "istio-config" }],
  ["mesh-operator", { namespace: "mesh-operator" }],
] as const)
  test(`T-07 nothing is rendered for a limiter in ${namespace}: it would be for pods of others`, () => {
    const desired = limiters([limiterText("global-sidecar", base(rule()), { namespace })], config)("global-sidecar", namespace);
    assert.deepEqual([desired.refused?.reason, desired.objects], ["NamespaceReserved", []]);
    assert.match(desired.refused?.message ?? "", new RegExp(`delete SmartLimiter ${namespace}/global-sidecar, and make it in`));
    assert.deepEqual([condition(desired, "Rendered")?.reason, condition(desired, "Active")?.status], ["NamespaceReserved", "False"]);
  });

const SELECTORS: readonly (readonly [what: string, labels: Record<string, string>])[] = [
  ["a label without a value", { app: "" }],
  ["a wildcard", { app: "*" }],
  ["a wildcard key", { "*": "a" }],
  ["a value that no label can have", { app: "a b" }],
];

for (const [what, workloadSelector] of SELECTORS)
  test(`T-07 a limiter whose selector has ${what} is for nobody's pods`, () => {
    const desired = limiters([limiterText("a", { workloadSelector, ...base(rule()) })])("a");
    assert.deepEqual([desired.refused?.reason, desired.objects], ["SelectorInvalid", []]);
    assert.deepEqual([condition(desired, "ResolvedRefs")?.reason, condition(desired, "Active")?.status], ["SelectorInvalid", "False"]);
  });

test("T-07 a Service or subset without a value for its labels is for nobody's pods, and a limiter of another set is in force", () => {
  const service = { apiVersion: "v1", kind: "Service", metadata: { name: "a", namespace: "shop" }, spec: { selector: { app: "" } } };
  assert.equal(
    limiters([JSON.stringify(service), limiterText("a", { workloadSelector: {}, ...base(rule()) })])("a").refused?.reason,
    "SelectorInvalid",
  );
  const destinationRule = {
    apiVersion: "networking.istio.io/v1beta1",
    kind: "DestinationRule",
    metadata: { name: "a", namespace: "shop" },
    spec: { host: "a", subsets: [{ name: "v1", labels: { version: "*" } }] },
  };
  const sets = { _base: { descriptor: [rule()] }, v1: { descriptor: [rule()] } };
  const both = limiters([JSON.stringify(destinationRule), limiterText("a", { sets })])("a");
  assert.deepEqual([both.refused?.reason, both.objects.length], ["SelectorInvalid", 1]);
});
