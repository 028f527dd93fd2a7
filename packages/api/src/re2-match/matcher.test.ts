import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Re2Matcher } from "./matcher.ts";

const LONG = Array(4).fill("a".repeat(61)).join(".");

const NEST: readonly (readonly [pattern: string, text: string])[] = [
  ["^(a+)+$", `${"a".repeat(252)}.`],
  ["^(a|a)*$", `${"a".repeat(252)}.`],
  ["^([a-z0-9-]+[.]?)*!", LONG],
  ["(.*)(.*)(.*)(.*)!$", LONG],
  ["(.{0,90}){0,4}!$", LONG],
  ["(a?){150}a{150}!", LONG],
];

test("T-08 a pattern that repeats repetitions costs a host of 253 characters a step for each of its own at each place", () => {
  for (const [pattern, text] of NEST) {
    const matcher = new Re2Matcher(pattern);
    assert.equal(matcher.match(text), undefined);
    const { user: before } = process.cpuUsage();
    assert.equal(matcher.match(text), undefined);
    assert.ok(process.cpuUsage().user - before < 100_000, `${pattern} takes 100 ms`);
  }
});

test("T-08 a pattern whose repetitions come to more than 1,000 steps is refused", () => {
  assert.throws(() => new Re2Matcher("(a{30}b{30}){20}"), /its repetitions come to more than 1000 steps/);
});

test("groups are those of the first way that matches, by number and by name", () => {
  const match = new Re2Matcher("(?<service>[^.]+)\\.(?i:(SHOP))(x)?\\b").match("a.b.shop.svc", 2);
  assert.deepEqual([match?.start, match?.end, match?.groups], [2, 8, ["b.shop", "b", "shop", undefined]]);
  assert.deepEqual(match?.named, new Map([["service", "b"]]));
});

/** Nothing in them is empty and repeated, where JavaScript and RE2 have rules of their own. */
const { pattern } = fc.letrec<{ pattern: string }>((tie) => ({
  pattern: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom("a", "b", ".", "[ab]", "[^a]", "\\w", "\\.", "(?i:A)", "\\x61", "a*", "b+?", "[ab]{1,2}", "a??", "\\w{2,}"),
    fc.tuple(tie("pattern"), tie("pattern")).map(([one, other]) => `(${one})${other}`),
    fc.tuple(tie("pattern"), tie("pattern")).map(([one, other]) => `(?:${one}|${other})`),
    fc.tuple(tie("pattern"), fc.constantFrom("+", "*", "{1,2}", "*?")).map(([one, sign]) => `(?:${one}b)${sign}`),
    tie("pattern").map((one) => `(?:^|\\b)(${one})(?:\\B|$)`),
  ),
}));

test("it matches where JavaScript does", () => {
  fc.assert(
    fc.property(pattern, fc.array(fc.constantFrom("a", "b", ".", "-")), (source, characters) => {
      const text = characters.join("");
      const expected = new RegExp(source, "u").exec(text);
      const match = new Re2Matcher(source).match(text);
      assert.deepEqual(match && [match.start, match.groups[0]], expected === null ? undefined : [expected.index, expected[0]]);
    }),
    { numRuns: 1_000 },
  );
});
