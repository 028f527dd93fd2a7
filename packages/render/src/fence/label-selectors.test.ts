import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LabelSelectors } from "./label-selectors.ts";

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

test("law: labels are taken when all of one selector are among them, and an empty selector takes none", () => {
  const labels = fc.dictionary(fc.constantFrom("a", "b", "c"), fc.constantFrom("", "1", "2"));
  fc.assert(
    fc.property(fc.array(labels, { maxLength: 5 }), labels, (selectors, of) => {
      const expected = selectors.some((selector) => {
        const wanted = Object.entries(selector);
        return wanted.length > 0 && wanted.every(([key, value]) => of[key] === value);
      });
      assert.equal(new LabelSelectors(selectors).take(of), expected);
    }),
  );
});

test("T-08 thirty thousand selectors for thousands of Services are looked up, and not compared with each", () => {
  let compared = 0;
  const counting = (labels: Record<string, string>) =>
    new Proxy(labels, {
      get: (target, key) => {
        compared += 1;
        return Reflect.get(target, key);
      },
    });
  // All of them share a label with every Service.
  const selectors = new LabelSelectors(numbers(30_000).map((index) => ({ tier: "web", app: `a${index}` })));
  for (const index of numbers(1_000)) assert.equal(selectors.take(counting({ tier: "web", app: `b${index}` })), false);
  assert.ok(compared < 10_000, `${compared} comparisons`);
  assert.equal(selectors.take({ tier: "web", app: "a7" }), true);
});

test("a selector takes a part of labels where it asks for fewer of them", () => {
  const selectors = new LabelSelectors([{ app: "a" }, { app: "b", track: "canary" }]);
  assert.equal(selectors.takePartOf({ app: "a" }), false);
  assert.equal(selectors.takePartOf({ app: "a", track: "canary" }), true);
  assert.equal(selectors.takePartOf({ app: "b", zone: "x", color: "red" }), false);
});
