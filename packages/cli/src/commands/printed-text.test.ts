import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parse } from "yaml";
import { printedJson, printedYaml } from "./printed-text.ts";

const texts = fc.string({
  unit: fc.oneof(fc.constantFrom("\u0085", "\u009b", "\u202e", "\u2028", "\t", "\u001b", ":", "#", " "), fc.string()),
});
/** What a terminal obeys, but for line ends. */
const OBEYED = /[^\P{Cc}\n]|[\u2028-\u202e\u2066-\u2069]/u;

test("T-52 what is printed of others' texts tells a terminal nothing, and is read as it was", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(texts, texts)), (entries) => {
      const value = { ...Object.fromEntries(entries.filter(([key]) => key !== "__proto__")), list: entries.map(([, text]) => text) };
      const [json, yaml] = [printedJson(value), printedYaml(value)];
      for (const printed of [json, yaml]) assert.doesNotMatch(printed, OBEYED);
      assert.deepEqual([JSON.parse(json), parse(yaml)], [value, value]);
    }),
  );
});
