import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Condition, conditionSchema, readConditions, withTransition } from "./condition.ts";
import { LeftOut } from "./left-out.ts";

const TYPES = ["Accepted", "Rendered"] as const;
type Type = (typeof TYPES)[number];
const AT = "2026-11-28T10:00:00.000Z";
const accepted: Condition<Type> = { type: "Accepted", status: "True", reason: "Valid", message: "", lastTransitionTime: AT };

function read(value: unknown, most = 100) {
  const leftOut = new LeftOut();
  const conditions = readConditions<Type>(value, { types: new Set(TYPES), most, leaveOut: (path, count) => leftOut.add(path, count) });
  return { conditions, leftOut: leftOut.paths, unnamed: leftOut.unnamed };
}

test("issue 14: lastTransitionTime moves with the status and with nothing else, each type for itself", () => {
  const { lastTransitionTime: _, ...judgement } = { ...accepted, reason: "StillValid", message: "as before", observedGeneration: 2 };
  const later = Date.parse(AT) + 60_000;
  assert.deepEqual(withTransition(judgement, [accepted], later), { ...judgement, lastTransitionTime: AT });
  const moved = new Date(later).toISOString();
  assert.equal(withTransition({ ...judgement, status: "False" }, [accepted], later).lastTransitionTime, moved);
  assert.equal(withTransition({ ...judgement, type: "Rendered" }, [accepted], later).lastTransitionTime, moved);
  assert.equal(withTransition<Type>(judgement, undefined, later).lastTransitionTime, moved);
});

test("issue 14: each kind has a closed set of condition types, and one of another kind is left out", () => {
  const enforced = { ...accepted, type: "Enforced" };
  assert.deepEqual(read([enforced, accepted, { ...accepted, reason: "Second" }]), {
    ...{ conditions: [accepted], leftOut: ["conditions[0]"], unnamed: 0 },
  });
  assert.equal(conditionSchema(TYPES).safeParse(enforced).success, false);
  assert.equal(conditionSchema(TYPES).safeParse(accepted).success, true);
});

test("issue 14: of more conditions than are read the rest is counted", () => {
  const { conditions, leftOut, unnamed } = read([accepted, 1, 2, 3], 2);
  assert.deepEqual([conditions, leftOut, unnamed], [[accepted], ["conditions[1]", "conditions"], 1]);
});

test("law: whatever a list of conditions is, reading it never throws, and what is read is what the schema takes", () => {
  const time = fc.constantFrom(AT, "2026-11-31T00:00:00.000Z", "2026", "9999-12-31T23:59:59-01:00");
  const fields = {
    type: fc.constantFrom<unknown>(...TYPES, "Enforced", "__proto__", 1),
    status: fc.constantFrom<unknown>("True", "False", "Unknown", "Maybe", true),
    reason: fc.oneof(fc.string(), fc.jsonValue()),
    message: fc.oneof(fc.string(), fc.jsonValue()),
    lastTransitionTime: fc.oneof(time, fc.jsonValue()),
    observedGeneration: fc.oneof(fc.integer(), fc.jsonValue()),
  };
  const item = fc.oneof(fc.record(fields, { requiredKeys: [] }), fc.jsonValue());
  fc.assert(
    fc.property(fc.oneof(fc.array(item), fc.jsonValue()), (value) => {
      const schema = conditionSchema(TYPES);
      for (const condition of read(value).conditions ?? []) assert.deepEqual(schema.parse(condition), condition);
    }),
  );
});
