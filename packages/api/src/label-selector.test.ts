import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LabelSelector, takesLabels } from "./label-selector.ts";

const PROD = { env: "prod", team: "shop" };

const CASES: readonly (readonly [string, LabelSelector, boolean])[] = [
  ["an empty one takes everything", {}, true],
  ["labels that are all there", { matchLabels: PROD }, true],
  ["one that has another value", { matchLabels: { ...PROD, team: "bank" } }, false],
  ["one that is missing", { matchLabels: { zone: "a" } }, false],
  ["In", { matchExpressions: [{ key: "env", operator: "In", values: ["dev", "prod"] }] }, true],
  ["In, without the label", { matchExpressions: [{ key: "zone", operator: "In", values: [""] }] }, false],
  ["NotIn", { matchExpressions: [{ key: "env", operator: "NotIn", values: ["prod"] }] }, false],
  ["NotIn, without the label", { matchExpressions: [{ key: "zone", operator: "NotIn", values: ["a"] }] }, true],
  ["Exists", { matchExpressions: [{ key: "env", operator: "Exists" }] }, true],
  ["Exists, without the label", { matchExpressions: [{ key: "zone", operator: "Exists" }] }, false],
  ["Exists of what every object has in JavaScript", { matchExpressions: [{ key: "constructor", operator: "Exists" }] }, false],
  ["DoesNotExist", { matchExpressions: [{ key: "env", operator: "DoesNotExist" }] }, false],
  ["both must hold", { matchLabels: PROD, matchExpressions: [{ key: "team", operator: "DoesNotExist" }] }, false],
];

for (const [what, selector, isTaken] of CASES)
  test(`a selector of labels: ${what}`, () => assert.equal(takesLabels(LabelSelector.parse(selector), PROD), isTaken));

test("NotIn and DoesNotExist take what In and Exists do not", () => {
  const key = fc.constantFrom("a", "b");
  const labels = fc.dictionary(key, fc.constantFrom("", "x", "y"));
  const values = fc.array(fc.constantFrom("", "x", "y"), { minLength: 1 });
  const takes = (requirement: object, of: Record<string, string>) =>
    takesLabels(LabelSelector.parse({ matchExpressions: [requirement] }), of);
  fc.assert(
    fc.property(key, values, labels, (key, values, labels) => {
      assert.notEqual(takes({ key, operator: "In", values }, labels), takes({ key, operator: "NotIn", values }, labels));
      assert.notEqual(takes({ key, operator: "Exists" }, labels), takes({ key, operator: "DoesNotExist" }, labels));
    }),
  );
});

for (const wrong of [
  { key: "env", operator: "In" },
  { key: "env", operator: "Exists", values: ["a"] },
  { key: "env", operator: "Equals", values: ["a"] },
  { key: "a b", operator: "Exists" },
])
  test(`the expression ${JSON.stringify(wrong)} is none`, () =>
    assert.equal(LabelSelector.safeParse({ matchExpressions: [wrong] }).success, false));
