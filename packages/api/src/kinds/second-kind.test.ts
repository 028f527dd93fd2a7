import assert from "node:assert/strict";
import { test } from "node:test";
import { parseManifests } from "../manifest.ts";
import { VALVE } from "../testing/valve.ts";
import { customResourceDefinitions } from "./custom-resource-definition.ts";
import { MANIFEST_KINDS } from "./table.ts";

const MANIFEST = `
apiVersion: test.fenceline.io/v1
kind: Valve
metadata: { name: a, namespace: test1 }
spec: { app: web, hosts: [b.test1.svc.cluster.local] }
`;

test("issue 14: a second kind of the table has a CustomResourceDefinition, with its rules in CEL", () => {
  const [definition, ...others] = customResourceDefinitions(VALVE);
  assert.equal(others.length, 0);
  assert.equal(definition?.metadata.name, "valves.test.fenceline.io");
  const { names, group, versions } = definition.spec;
  assert.deepEqual([group, names.kind, names.listKind, names.shortNames], ["test.fenceline.io", "Valve", "ValveList", ["vlv"]]);
  const [version] = versions;
  assert.deepEqual(version?.subresources, { status: {} });
  assert.partialDeepStrictEqual(version?.schema.openAPIV3Schema.properties, {
    spec: {
      required: ["app", "hosts"],
      properties: {
        hosts: { type: "array", items: { type: "string", maxLength: 253 } },
        most: { type: "integer", minimum: 1, maximum: 100 },
      },
      "x-kubernetes-validations": [{ rule: "!has(self.most) || size(self.hosts) <= self.most", message: "more hosts than `most` says" }],
    },
    status: { properties: { shown: { type: "integer" } }, "x-kubernetes-preserve-unknown-fields": true },
  });
});

test("issue 14: a second kind is read from manifests beside all others, and its faults have its own code", () => {
  const kinds = [...MANIFEST_KINDS, VALVE];
  const { objects } = parseManifests<unknown>(MANIFEST, "valve.yaml", kinds);
  assert.partialDeepStrictEqual(objects, [{ kind: "Valve", metadata: { name: "a" }, spec: { most: 100 }, status: {} }]);
  assert.throws(() => parseManifests<unknown>(MANIFEST.replace("app: web, ", ""), "valve.yaml", kinds), /spec\.app/);
  const { leftOut } = parseManifests<unknown>(`${MANIFEST}status: { shown: many }\n`, "valve.yaml", kinds);
  assert.deepEqual(leftOut.length, 1);
  assert.deepEqual(parseManifests(MANIFEST, "valve.yaml").ignored, [{ kind: "Valve", reason: "another kind" }]);
});
