import assert from "node:assert/strict";
import { test } from "node:test";
import { contentOf, parseYaml } from "@fenceline/api";
import fc from "fast-check";
import { parse } from "yaml";
import { exportText } from "./exchange/yaml.ts";
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

test("T-50 texts that kubectl and Helm would take for something else are quoted, as `create: Off` of migrated values", () => {
  const words = ["Off", "on", "yes", "n", "y", "null", "~", "017", "0x1f", "1_000", "1e3", "22:22", "2001-01-01", "<<", ".inf", "1:30"];
  const value = { labels: Object.fromEntries(words.map((word) => [word, word])), list: words };
  const object = { apiVersion: "v1", kind: "ServiceFence", metadata: { name: "a", namespace: "shop" }, spec: value };
  for (const [text, meant] of [
    [printedYaml(value), value],
    [exportText([{ object, comments: [] }]), object],
  ] as const) {
    const [read] = parseYaml(text).documents.map(contentOf);
    assert.deepEqual(read?.value, meant, read?.fault);
  }
});
