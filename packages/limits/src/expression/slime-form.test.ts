import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Expressions } from "./expression.ts";
import { ExpressionError } from "./expression-error.ts";

const NAMES = ["_base.pod", "_base.cpu.sum", "v2.pod", "v2.cpu.sum", "v1-canary.pod"];
const material = new Map([
  ["_base.pod", 3],
  ["_base.cpu.sum", 536.2],
  ["v2.pod", 1],
  ["v2.cpu.sum", 178.3],
  ["v1-canary.pod", 7],
]);
const expressions = new Expressions(NAMES);

const QUOTAS: readonly (readonly [text: string, value: number, why: string])[] = [
  ["100", 100, "a number"],
  ["100/{{._base.pod}}", 34, "a share rounds up"],
  ["3/{{ ._base.pod }}", 1, "blanks within a template"],
  ['{{index . "v1-canary" "pod"}}*2', 14, "a name that is no identifier"],
  ["7/2", 4, "whole numbers round up"],
  ["-7/2", -4, "a minus sign takes off 0"],
  ["100/3+100/3", 68, "each division rounds up"],
  ["15-23", -8, "below 0"],
  ["({{._base.pod}}>2)*100", 100, "a comparison counts as 1"],
  ["({{._base.pod}}>5)*100", 0, "or as 0"],
  ["10-3-2", 5, "L5: read from the left"],
  ["100/10/5", 2, "L5: read from the left"],
  ["8/2*2", 8, "L5: read from the left"],
  ["2+3*4", 14, "times before plus"],
  ["(2+3)*4", 20, "parentheses"],
  ["0.5*10", 5, "L5: fractions stay"],
  ["10/0.5", 20, "L5: fractions stay"],
  [" 1 + 2 ", 3, "blanks"],
  ["7%4", 3, "a remainder"],
];
for (const [text, value, why] of QUOTAS)
  test(`Slime's quota ${text} is ${value}: ${why}`, () => {
    assert.deepEqual(expressions.number(text).evaluate(material), { value });
  });

const CONDITIONS: readonly (readonly [text: string, value: boolean, why: string])[] = [
  ["true", true, "a word"],
  ["false", false, "a word"],
  ["1", true, "exactly 1"],
  ["2", false, "2 is not 1"],
  ["{{.v2.cpu.sum}}>100", true, "above"],
  ["{{.v2.cpu.sum}}<100", false, "L4: below can be said"],
  ["{{.v2.cpu.sum}}>=178.3", true, "at least"],
  ["{{._base.pod}}==3", true, "equal"],
  ["{{._base.pod}}!=3", false, "not equal"],
  ["{{._base.cpu.sum}}>100&{{._base.pod}}>2", true, "both"],
  ["1>0|0>1&0>1", true, "L5: and before or"],
  ["1>0||0>1", true, "either"],
  ["1>0&&0>1", false, "both, written twice"],
  ["!(1>0)", false, "not"],
  ["5|0", true, "a sum above 0"],
  ["1&1", true, "a sum of 2"],
  ["5&5", false, "a sum of 10"],
];
for (const [text, value, why] of CONDITIONS)
  test(`Slime's condition ${text} is ${value}: ${why}`, () => {
    assert.deepEqual(expressions.condition(text).evaluate(material), { value });
  });

const FAULTS: readonly (readonly [text: string, code: string])[] = [
  ["", "EXPRESSION_SYNTAX"],
  ["1+", "EXPRESSION_SYNTAX"],
  ["2(3)", "EXPRESSION_SYNTAX"],
  ["(1", "EXPRESSION_SYNTAX"],
  ["1)", "EXPRESSION_SYNTAX"],
  ["1.2.3", "EXPRESSION_SYNTAX"],
  ["1 = 2", "EXPRESSION_SYNTAX"],
  ["{{.v9.pod}}", "EXPRESSION_UNKNOWN_NAME"],
  ["{{._base}}", "EXPRESSION_UNKNOWN_NAME"],
  ["{{if ._base.pod}}1{{end}}", "EXPRESSION_NOT_ALLOWED"],
  ["{{.}}", "EXPRESSION_NOT_ALLOWED"],
  ["(".repeat(40) + 1 + ")".repeat(40), "EXPRESSION_NOT_ALLOWED"],
  ["-".repeat(40) + 1, "EXPRESSION_NOT_ALLOWED"],
  ["1+".repeat(600) + 1, "EXPRESSION_NOT_ALLOWED"],
];
for (const [text, code] of FAULTS)
  test(`Slime's form: ${text.slice(0, 40)} is refused with ${code}`, () => {
    assert.throws(
      () => expressions.number(text),
      (error) => error instanceof ExpressionError && error.code === code,
    );
  });

test("a division by zero, and a value that is missing, have no result", () => {
  assert.ok("fault" in expressions.number("100/0").evaluate(material));
  assert.deepEqual(expressions.number("100/{{._base.pod}}").evaluate(new Map()), { missing: ["_base.pod"] });
  assert.deepEqual(expressions.number("{{._base.pod}}").evaluate(new Map([["_base.pod", Number.NaN]])), { missing: ["_base.pod"] });
});

test("sums, products and comparisons of whole numbers are what JavaScript makes of them", () => {
  const operand = fc.integer({ min: 0, max: 1_000 }).map(String);
  const tree = fc.letrec<{ sum: string }>((tie) => ({
    sum: fc.oneof(
      { depthSize: "small" },
      operand,
      fc.tuple(tie("sum"), fc.constantFrom("+", "-", "*"), tie("sum")).map(([a, operator, b]) => `${a}${operator}${b}`),
      tie("sum").map((sum) => `(${sum})`),
    ),
  })).sum;
  fc.assert(
    fc.property(tree, (text) => {
      fc.pre(text.length < 200 && (text.match(/\d+/g)?.length ?? 0) < 30);
      const expected = Number(new Function(`return ${text}`)());
      fc.pre(Number.isSafeInteger(expected));
      assert.deepEqual(expressions.number(text).evaluate(material), { value: expected });
    }),
  );
});

test("no text ends in anything but a result or an ExpressionError", () => {
  const part = fc.constantFrom(
    "{{",
    "}}",
    "{{._base.pod}}",
    ".",
    "1",
    "0",
    "+",
    "-",
    "*",
    "/",
    "(",
    ")",
    "<",
    ">",
    "&",
    "|",
    "!",
    "=",
    " ",
    "\n",
    "é",
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 40 }), (parts) => {
      for (const read of [() => expressions.number(parts.join("")), () => expressions.condition(parts.join(""))]) {
        try {
          read().evaluate(material);
        } catch (error) {
          assert.ok(error instanceof ExpressionError, String(error));
        }
      }
    }),
    { numRuns: 2_000 },
  );
});
