import assert from "node:assert/strict";
import { test } from "node:test";
import { parseManifests } from "../manifest.ts";
import type { AuthorizationPolicy } from "./authorization-policy.ts";

const specOf = (spec: string, metadata = "") => {
  const manifest = `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: b, namespace: shop${metadata} }
${spec}`;
  return (parseManifests(manifest, "mesh.yaml").objects as readonly AuthorizationPolicy[])[0]?.spec;
};
const NOBODY = { principals: [], namespaces: [], serviceAccounts: [] };

test("issue 16: of an AuthorizationPolicy the callers are kept that its rules name, and whether a rule or a source asks for more", () => {
  const spec = specOf(`
spec:
  selector: { matchLabels: { app: b } }
  action: ALLOW
  rules:
    - from:
        - source: { principals: [cluster.local/ns/shop/sa/a], namespaces: [ops] }
        - source: { serviceAccounts: [ops/admin], notNamespaces: [] }
        - source: { namespaces: [test], ipBlocks: [10.0.0.0/8] }
    - from: [{ source: { namespaces: [web] } }]
      to: [{ operation: { methods: [GET] } }]
    - when: [{ key: "request.headers[x]", values: ["1"] }]
    - {}
`);
  assert.deepEqual(spec, {
    action: "ALLOW",
    selector: { app: "b" },
    rules: [
      {
        sources: [
          { ...NOBODY, principals: ["cluster.local/ns/shop/sa/a"], namespaces: ["ops"], isConditional: false },
          { ...NOBODY, serviceAccounts: ["ops/admin"], isConditional: false },
          { ...NOBODY, namespaces: ["test"], isConditional: true },
        ],
        isConditional: false,
      },
      { sources: [{ ...NOBODY, namespaces: ["web"], isConditional: false }], isConditional: true },
      { sources: [], isConditional: true },
      { sources: [], isConditional: false },
    ],
    isOfRevision: false,
  });
});

for (const [what, spec, metadata, action] of [
  ["without a spec", "", "", "ALLOW"],
  ["an empty one", "spec: {}", "", "ALLOW"],
  ["DENY", "spec: { action: DENY }", "", "DENY"],
  ["CUSTOM", "spec: { action: CUSTOM, provider: { name: opa } }", "", "NONE"],
  ["AUDIT", "spec: { action: AUDIT }", "", "NONE"],
  ["for a waypoint", "spec: { targetRefs: [{ kind: Service, name: b }] }", "", "NONE"],
  ["for no waypoint", "spec: { targetRefs: [] }", "", "ALLOW"],
  ["a dry run", "spec: {}", ', annotations: { istio.io/dry-run: "true" }', "NONE"],
  ["no dry run", "spec: {}", ', annotations: { istio.io/dry-run: "false" }', "ALLOW"],
] as const)
  test(`issue 16: an AuthorizationPolicy, ${what}, is ${action}`, () => {
    const kept = specOf(spec, metadata);
    assert.deepEqual([kept?.action, kept?.rules], [action, []]);
  });

test("issue 16: a policy for the control planes of one revision says so", () => {
  assert.equal(specOf("spec: {}", ", labels: { istio.io/rev: canary }")?.isOfRevision, true);
});
