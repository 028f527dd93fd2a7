import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Expressions } from "./expression.ts";
import { ExpressionError } from "./expression-error.ts";

const expressions = new Expressions(["_base.pod", "_base.cpu.sum", "qps", "v1-canary.pod", "values.pod", "if.pod"]);
const material = new Map([
  ["_base.pod", 3],
  ["_base.cpu.sum", 536.2],
  ["v1-canary.pod", 7],
  ["values.pod", 8],
  ["if.pod", 9],
]);

/**
 * What limiters rely on of CEL, as its specification and the names of its conformance suite's files
 * have it: `basic`, `integer_math`, `fp_math`, `comparisons`, `logic`, `conversions`.
 */
const NUMBERS: readonly (readonly [text: string, value: number])[] = [
  ["int(42)", 42],
  ["0x55 + 0 * int(1)", 85],
  ["double(2) * 1.5e2", 300],
  ["int(7) / 2", 3],
  ["-int(7) / 2", -3],
  ["int(7) % 5", 2],
  ["-int(43) % 5", -3],
  ["2 + 3 * int(4)", 14],
  ["(2 + 3) * int(4)", 20],
  ["double(1) / 4.0", 0.25],
  ["int(1.9)", 1],
  ["int(-1.9)", -1],
  ["true ? int(1) : 2", 1],
  ["false ? int(1) : true ? 3 : 4", 3],
  ["min(2, 1.5)", 1.5],
  ["max(2, 3, 1, 2.5)", 3],
  ["clamp(_base.cpu.sum, 1, 100)", 100],
  ["clamp(-1, 1, 100)", 1],
  ["ceil(1.2) + floor(1.8) + round(2.5)", 6],
  ["100 / _base.pod", 100 / 3],
  ["_base.pod / 2", 1.5],
  ["default(qps, 5) * 2", 10],
  ["default(_base.pod, 5) * 2", 6],
  ['values["v1-canary.pod"]', 7],
  ['_base["pod"] + _base["cpu"].sum', 539.2],
  ['values["values.pod"] + values["if.pod"]', 17],
];
for (const [text, value] of NUMBERS)
  test(`${text} is ${value}`, () => {
    assert.deepEqual(expressions.number(text).evaluate(material), { value });
  });

const CONDITIONS: readonly (readonly [text: string, value: boolean])[] = [
  ["_base.pod > 2", true],
  ["_base.pod >= 3.0 && _base.pod <= 3", true],
  ["3 == _base.pod", true],
  ["_base.pod != 3", false],
  ["double(1) < 1.1", true],
  ["int(1) < 2", true],
  ["true || false", true],
  ["false && true || true", true],
  ["true || false && false", true],
  ["!true", false],
  ["!(_base.pod > 5)", true],
  ["default(qps, 0) > 10 || _base.pod > 2", true],
];
for (const [text, value] of CONDITIONS)
  test(`${text} is ${value}`, () => {
    assert.deepEqual(expressions.condition(text).evaluate(material), { value });
  });

const FAULTS: readonly (readonly [text: string, code: string])[] = [
  ["_base.pod +", "EXPRESSION_SYNTAX"],
  ["_base.pods", "EXPRESSION_UNKNOWN_NAME"],
  ["_base", "EXPRESSION_UNKNOWN_NAME"],
  ["_base.pod.x", "EXPRESSION_UNKNOWN_NAME"],
  ["constructor", "EXPRESSION_UNKNOWN_NAME"],
  ["_base.__proto__", "EXPRESSION_UNKNOWN_NAME"],
  ["values.nobody", "EXPRESSION_UNKNOWN_NAME"],
  ["default(nobody, 1)", "EXPRESSION_UNKNOWN_NAME"],
  ["_base.pod > 2", "EXPRESSION_TYPE"],
  ["_base.pod ? 1 : 2", "EXPRESSION_TYPE"],
  ["true ? 1 : 2.0", "EXPRESSION_TYPE"],
  ["_base.pod + true", "EXPRESSION_TYPE"],
  ["min(_base.pod)", "EXPRESSION_TYPE"],
  ['_base.pod + "a"', "EXPRESSION_NOT_ALLOWED"],
  ["has(_base.pod) ? 1 : 2", "EXPRESSION_NOT_ALLOWED"],
  ["[1, 2].map(x, x)[0]", "EXPRESSION_NOT_ALLOWED"],
  ["values.all(k, true) ? 1 : 2", "EXPRESSION_NOT_ALLOWED"],
  ["cel.bind(x, 1, x)", "EXPRESSION_NOT_ALLOWED"],
  ['{"a": 1}.a', "EXPRESSION_NOT_ALLOWED"],
  ["size(values)", "EXPRESSION_NOT_ALLOWED"],
  ["values[qps]", "EXPRESSION_NOT_ALLOWED"],
  [`${"(".repeat(100)}qps${")".repeat(100)}`, "EXPRESSION_NOT_ALLOWED"],
  [`qps${" + qps".repeat(150)}`, "EXPRESSION_NOT_ALLOWED"],
];
for (const [text, code] of FAULTS)
  test(`${text.slice(0, 40)} is refused with ${code}`, () => {
    assert.throws(
      () => expressions.number(text),
      (error) => error instanceof ExpressionError && error.code === code && !error.message.includes("\n"),
    );
  });

test("a value that is missing is told by its name, and costs what needs it alone", () => {
  assert.deepEqual(expressions.number("qps * 2").evaluate(material), { missing: ["qps"] });
  assert.deepEqual(expressions.number("default(qps, 1) + qps").evaluate(material), { missing: ["qps"] });
  assert.deepEqual(expressions.condition("_base.pod > 2 || qps > 1").evaluate(material), { missing: ["qps"] });
  assert.deepEqual(expressions.number("default(qps, 1)").evaluate(new Map([["qps", Number.POSITIVE_INFINITY]])), { value: 1 });
});

test("what has no finite result is a fault", () => {
  for (const text of ["1 / (int(1) - 1)", "_base.pod / 0", "1.0e308 * 10.0 * _base.pod"])
    assert.ok("fault" in expressions.number(text).evaluate(material), text);
});

test("a metric whose name is the beginning of another is refused", () => {
  for (const names of [
    ["cpu", "cpu.sum"],
    ["a.b.c", "a.b"],
    ["cpu.sum", "cpu"],
  ])
    assert.throws(() => new Expressions(names), /METRIC_NAME_CLASH/);
});

test("names of any text neither break an environment nor reach what is no value", () => {
  const name = fc.array(fc.oneof(fc.constantFrom("__proto__", "constructor", "toString", "if", "values", "a", "1", "", "é"), fc.string()), {
    minLength: 1,
    maxLength: 3,
  });
  fc.assert(
    fc.property(
      fc.uniqueArray(
        name.map((parts) => parts.join(".")),
        { minLength: 1, maxLength: 5 },
      ),
      (names) => {
        let read: Expressions;
        try {
          read = new Expressions(names);
        } catch (error) {
          assert.match(String(error), /METRIC_NAME_CLASH/);
          return;
        }
        const given = new Map(names.map((each, index) => [each, index + 1]));
        for (const [each, value] of given) {
          const text = `values[${JSON.stringify(each)}] + 0.0`;
          // JSON writes them as CEL does not.
          if (/[\p{C}\u2028\u2029]/u.test(each)) continue;
          assert.deepEqual(read.number(text).evaluate(given), { value }, text);
        }
      },
    ),
  );
});
