/**
 * Every rule in CEL of our kinds, and of the one of the tests that has some, applied by a real
 * kube-apiserver. FENCELINE_KUBECONFIG names its kubeconfig.
 */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { customResourceDefinitions, OWN_KINDS, type OwnKind, readObject, SMART_LIMITER } from "@fenceline/api";
import { until, VALVE } from "@fenceline/api/testing";
import { ApiError, collectionPath, type Resource, resourcesOf } from "@fenceline/kubernetes";
import { DEFINITIONS, realCluster } from "./testing/real-cluster.ts";

const { FENCELINE_KUBECONFIG: kubeconfig } = process.env;
const skip = kubeconfig === undefined ? "FENCELINE_KUBECONFIG names no kubeconfig of an API server to test against" : false;

interface Rule {
  readonly rule: string;
  readonly message: string;
}

/** Specs that a rule lets through, and that it refuses. */
interface Examples {
  readonly kind: OwnKind;
  readonly accepted: readonly object[];
  readonly refused: readonly object[];
}

/** A limiter with one rule whose action has this, too. */
const limiter = (action: object) => ({
  target: {},
  sets: { _base: { descriptor: [{ condition: "true", action: { quota: "1", fillInterval: { seconds: 1 }, ...action } }] } },
});
const hosts = (count: number) => Array.from({ length: count }, (_each, index) => `h${index}`);
/** By the text of the rule. ServiceFence has none: docs/adr/0026-what-the-api-server-refuses.md. */
const EXAMPLES: Readonly<Record<string, Examples>> = {
  "has(self.by) != has(self.percent)": {
    kind: SMART_LIMITER,
    accepted: [limiter({}), limiter({ largestStep: { by: 5 } }), limiter({ largestStep: { percent: 20 } })],
    refused: [limiter({ largestStep: {} }), limiter({ largestStep: { by: 5, percent: 20 } })],
  },
  "has(self.number) != has(self.header)": {
    kind: SMART_LIMITER,
    accepted: [limiter({ cost: { number: 5 } }), limiter({ cost: { header: "x-cost" } })],
    refused: [limiter({ cost: {} }), limiter({ cost: { number: 5, header: "x-cost" } })],
  },
  "!has(self.most) || size(self.hosts) <= self.most": {
    kind: VALVE,
    accepted: [
      { app: "web", hosts: hosts(1) },
      { app: "web", hosts: hosts(100) },
      { app: "web", hosts: hosts(2), most: 2 },
      { app: "web", hosts: hosts(1), most: 100 },
    ],
    refused: [
      { app: "web", hosts: hosts(2), most: 1 },
      { app: "web", hosts: hosts(100), most: 99 },
    ],
  },
};

/** What its definitions say in CEL, wherever it stands. */
function rulesOf(kind: OwnKind): readonly Rule[] {
  const found = new Map<string, Rule>();
  const search = (node: unknown): void => {
    if (typeof node !== "object" || node === null) return;
    for (const [name, value] of Object.entries(node)) {
      if (name === "x-kubernetes-validations") for (const rule of value as readonly Rule[]) found.set(rule.rule, rule);
      else search(value);
    }
  };
  search(customResourceDefinitions(kind));
  return [...found.values()];
}

test("issue 14: every rule in CEL of a kind has examples, so that none is without a look from a real API server", () => {
  const rules = [...OWN_KINDS, VALVE].flatMap(rulesOf).map(({ rule }) => rule);
  assert.deepEqual(rules.sort(), Object.keys(EXAMPLES).sort());
});

/**
 * A namespace of its own, on a server that has the kinds of the examples; what was made goes after
 * the test.
 */
async function cluster(t: TestContext, kinds: ReadonlySet<OwnKind>) {
  const { api, namespace, make, isServed } = await realCluster(t, kubeconfig);
  for (const kind of kinds) {
    // Those of the chart are there, for other tests too.
    if (!OWN_KINDS.some(({ name }) => name === kind.name))
      for (const definition of customResourceDefinitions(kind)) await make(DEFINITIONS, definition);
    for (const resource of resourcesOf(kind)) {
      await until(() => isServed(resource));
    }
  }
  const create = ({ name: kind, ...rest }: OwnKind, name: string, spec: object) => {
    const [resource] = resourcesOf({ name: kind, ...rest }) as [Resource];
    const body = { apiVersion: resource.apiVersion, kind, metadata: { name, namespace }, spec };
    return api.json({ method: "POST", path: collectionPath(resource, namespace), body, query: { fieldValidation: "Strict" } });
  };
  return { create };
}

test("real: issue 14: an API server takes the definition of a kind with rules in CEL, and accepts and refuses by each of them", {
  skip,
}, async (t) => {
  const { create } = await cluster(t, new Set(Object.values(EXAMPLES).map(({ kind }) => kind)));
  for (const [place, [rule, { kind, accepted, refused }]] of Object.entries(EXAMPLES).entries()) {
    const { message = "" } = rulesOf(kind).find((candidate) => candidate.rule === rule) ?? {};
    const [apiVersion = ""] = kind.apiVersions;
    for (const [index, spec] of accepted.entries()) {
      await create(kind, `accepted-${place}-${index}`, spec);
      // The parser takes it too.
      assert.equal(readObject(kind, { apiVersion, kind: kind.name, metadata: { name: "a" }, spec }).faults, undefined);
    }
    for (const spec of refused)
      await assert.rejects(create(kind, "refused", spec), (error: unknown) => {
        assert.ok(error instanceof ApiError && error.status === 422, `${rule}: ${String(error)}`);
        assert.ok(error.message.includes(message), `${rule}: ${error.message}`);
        return true;
      });
  }
});
