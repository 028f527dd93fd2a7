import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatPath } from "./field-path.ts";
import { customResourceDefinitions } from "./kinds/custom-resource-definition.ts";
import type { OwnKind } from "./kinds/kind.ts";
import type { StructuralSchema } from "./kinds/structural-schema.ts";
import { OWN_KINDS } from "./kinds/table.ts";
import { parseManifests } from "./manifest.ts";
import { readObject } from "./read-object.ts";
import { PUMP } from "./testing/pump.ts";
import { schemaFaults } from "./testing/schema-faults.ts";
import { schemaValues } from "./testing/schema-values.ts";
import { VALVE } from "./testing/valve.ts";

const STAGE = { name: "a", fillInterval: { seconds: 1 } };
const pump = (spec: object, apiVersion = "test.fenceline.io/v1") => ({ apiVersion, kind: "Pump", metadata: { name: "a" }, spec });

/** What the API server checks of an object of a kind. */
function schemaOf(kind: OwnKind): StructuralSchema {
  const [definition] = customResourceDefinitions(kind);
  return definition?.spec.versions[0]?.schema.openAPIV3Schema.properties?.spec ?? {};
}

const objectOf = ({ name: kind, apiVersions: [apiVersion] }: OwnKind, spec: unknown) => ({
  apiVersion,
  kind,
  metadata: { name: "a" },
  spec,
});

for (const kind of [PUMP, VALVE]) {
  test(`law: whatever ${kind.name} the API server takes, the parser takes`, () => {
    const schema = schemaOf(kind);
    fc.assert(
      fc.property(schemaValues(schema), (spec) => {
        assert.deepEqual(schemaFaults(schema, spec), []);
        assert.deepEqual(readObject<unknown>(kind, objectOf(kind, spec)).faults, undefined);
      }),
    );
  });

  test(`law: whatever ${kind.name} the API server refuses, the parser refuses, and names its fields`, () => {
    const schema = schemaOf(kind);
    // A field is written once: of two spellings the parser heeds one.
    const isOnce = (spec: unknown) => !JSON.stringify(spec).includes("_") && !JSON.stringify(spec).includes('"bar"');
    fc.assert(
      fc.property(schemaValues(schema, { wrong: 8 }).filter(isOnce), (spec) => {
        const refused = schemaFaults(schema, spec, ["spec"]).map(({ field }) => formatPath(field));
        const told = (readObject<unknown>(kind, objectOf(kind, spec)).faults ?? []).map(({ field }) => formatPath(field));
        assert.deepEqual(told.length > 0, refused.length > 0, JSON.stringify({ refused, told }));
        for (const field of told) assert.ok(refused.includes(field), JSON.stringify({ refused, told }));
      }),
      { numRuns: 500 },
    );
  });
}

test("law: of whatever the API server takes of any kind of the table, what the parser refuses has a field below the spec", () => {
  for (const kind of OWN_KINDS) {
    fc.assert(
      fc.property(schemaValues(schemaOf(kind)), (spec) => {
        for (const { field } of readObject<unknown>(kind, objectOf(kind, spec)).faults ?? [])
          assert.ok(field.length > 1, formatPath(field));
      }),
    );
  }
});

test("law: whatever an object is, reading it never throws", () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => void readObject(PUMP, value)));
  fc.assert(fc.property(fc.jsonValue(), (spec) => void readObject(PUMP, { ...pump({}), spec })));
});

test("issue 14: every version and spelling of an object is read as the same", () => {
  const interval = { seconds: 1 };
  const wanted = readObject(
    PUMP,
    pump({ pressure: 7, workloadLabels: { app: "a" }, stages: [{ ...STAGE, listenerType: "Inbound" }] }),
  ).object;
  const snake = { pressure: 7, workload_labels: { app: "a" }, stages: [{ name: "a", fill_interval: interval, listener_type: 1 }] };
  assert.partialDeepStrictEqual(wanted, {
    spec: { pressure: 7, stages: [{ fillInterval: interval, listenerType: "Inbound", quota: "1" }] },
  });
  for (const apiVersion of PUMP.apiVersions)
    for (const spec of [snake, { ...snake, pressure: undefined, bar: 7 }, { ...snake, pressure: null, bar: 7 }])
      assert.deepEqual(readObject(PUMP, pump(spec, apiVersion)).object?.spec, wanted?.spec, JSON.stringify(spec));
});

test("issue 14: where a field is written under two names its own counts, and what is not ours is left as it is", () => {
  const settings = { fill_interval: 1, deep: [{ listener_type: null }] };
  const stage = { name: "a", fill_interval: { seconds: 1 }, fillInterval: { seconds: "2" }, settings, raw_patch: [settings] };
  const { object } = readObject(PUMP, pump({ bar: 1, pressure: 2, stages: [stage] }));
  assert.equal(object?.spec.pressure, 2);
  assert.deepEqual(object.spec.stages[0], {
    ...{ name: "a", fillInterval: { seconds: 2 }, quota: "1", listenerType: "Outbound", settings, rawPatch: [settings] },
  });
});

test("issue 14: a fault is at the field as its author spelled it", () => {
  const stages = [STAGE, { name: "b", fill_interval: { seconds: "many" }, listener_type: "Sideways" }];
  const { faults } = readObject(PUMP, pump({ bar: 0, stages, workload_labels: { app: 1 } }));
  assert.deepEqual(
    faults?.map(({ field, message }) => `${formatPath(field)}: ${message}`),
    [
      "spec.workload_labels.app: expected a text, found 1",
      'spec.stages[1].fill_interval.seconds: expected a whole number of up to 10 digits, found "many"',
      'spec.stages[1].listener_type: expected Outbound or Inbound or Gateway, or its number, found "Sideways"',
      "spec.bar: expected at least 1, found 0",
    ],
  );
  const text = `apiVersion: test.fenceline.io/v1beta1\nkind: Pump\nmetadata: { name: a }\nspec:\n  stages: []\n  bar: 700\n`;
  assert.throws(() => parseManifests<unknown>(text, "p.yaml", [PUMP]), /p\.yaml:6 Pump a spec\.bar: expected at most 100, found 700/);
});

test("issue 14: an object that has one form already is not copied", () => {
  const object = pump({ pressure: 1, stages: [STAGE] });
  assert.equal(PUMP.normalize?.(object).object, object);
});
