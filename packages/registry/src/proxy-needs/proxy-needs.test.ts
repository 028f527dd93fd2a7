import assert from "node:assert/strict";
import { test } from "node:test";
import type { Labels, ProxyPolicy } from "@fenceline/api";
import fc from "fast-check";
import { ProxyNeeds } from "./proxy-needs.ts";

const policy = (kind: string, namespace: string, name: string, selector: Labels, ...references: readonly string[]): ProxyPolicy => ({
  ...{ apiVersion: "test/v1", kind, metadata: { namespace, name, labels: {} } },
  spec: { selector, references },
});

const ROOTS = { hosts: [], rootNamespaces: ["istio-system"] };

test("issue 16: pods need what MeshConfig, and policies of their namespace and of the root namespace for them, say", () => {
  const needs = new ProxyNeeds([
    policy("EnvoyFilter", "test1", "lua", { app: "a" }, "x.example", "test9/y.example"),
    policy("WasmPlugin", "istio-system", "opa", {}, "x.example"),
    policy("EnvoyFilter", "test2", "lua", {}, "z.example"),
  ]);
  needs.configure({ ...ROOTS, hosts: [{ reference: "zipkin.example", by: "MeshConfig extensionProviders[zipkin]" }] });
  assert.deepEqual(needs.requiredFor("test1", { app: "a" }), [
    { namespace: "test9", host: "y.example", by: ["EnvoyFilter test1/lua"] },
    { namespace: undefined, host: "x.example", by: ["EnvoyFilter test1/lua", "WasmPlugin istio-system/opa"] },
    { namespace: undefined, host: "zipkin.example", by: ["MeshConfig extensionProviders[zipkin]"] },
  ]);
  const hostsOf = (labels: Labels) => needs.requiredFor("test1", labels).map(({ host }) => host);
  assert.deepEqual(hostsOf({ app: "b" }), ["x.example", "zipkin.example"], "a policy for other pods is not theirs");
  assert.deepEqual(hostsOf({ team: "shop" }), ["y.example", "x.example", "zipkin.example"], "and one that may be for some of them is");
});

test("issue 16: of many reasons for one host the first few are told", () => {
  const needs = new ProxyNeeds(Array.from({ length: 9 }, (_, at) => policy("EnvoyFilter", "test1", `f${at}`, {}, "x.example")));
  assert.deepEqual(
    needs.requiredFor("test1", {}).map(({ by }) => by.length),
    [4],
  );
});

const arbitrary = fc
  .record({
    kind: fc.constantFrom("EnvoyFilter", "WasmPlugin"),
    namespace: fc.constantFrom("test1", "test2", "istio-system"),
    name: fc.constantFrom("one", "two"),
    selector: fc.constantFrom<Labels>({}, { app: "a" }, { app: "b" }, { team: "x" }),
    references: fc.subarray(["x.example", "y.example", "test9/z.example"]),
  })
  .map(({ kind, namespace, name, selector, references }) => policy(kind, namespace, name, selector, ...references));
const PODS = ["test1", "test2"].flatMap((namespace) =>
  [{ app: "a" }, { app: "b" }, { team: "x" }].map((labels) => ({ namespace, labels })),
);
const answersOf = (needs: ProxyNeeds) => PODS.map(({ namespace, labels }) => needs.requiredFor(namespace, labels));

test("issue 16: needs that are kept up are those that are made anew, and only pods that a change touches need others", () => {
  const step = fc.record({ object: arbitrary, isGone: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      const kept = new ProxyNeeds();
      kept.configure(ROOTS);
      const known = new Map<string, ProxyPolicy>();
      for (const { object, isGone } of steps) {
        const name = `${object.kind} ${object.metadata.namespace}/${object.metadata.name}`;
        const changes = [{ before: known.get(name), after: isGone ? undefined : object }];
        const before = answersOf(kept);
        kept.apply(changes);
        if (isGone) known.delete(name);
        else known.set(name, object);
        const touched = kept.touchedBy(changes);
        for (const [at, { namespace, labels }] of PODS.entries()) {
          const isTouched = touched.some(
            (each) =>
              (each.namespace ?? namespace) === namespace &&
              Object.entries(each.selector).every(
                ([key, value]) => (labels as Labels)[key] === undefined || (labels as Labels)[key] === value,
              ),
          );
          if (!isTouched) assert.deepEqual(kept.requiredFor(namespace, labels as Labels), before[at]);
        }
      }
      const anew = new ProxyNeeds([...known.values()]);
      anew.configure(ROOTS);
      assert.deepEqual(answersOf(kept), answersOf(anew));
    }),
    { numRuns: 300 },
  );
});
