import assert from "node:assert/strict";
import { test } from "node:test";
import { Config } from "./config.ts";
import { parseConfig } from "./config-file.ts";

test("T-50 an empty file, one of comments, and one whose fields are all commented out are the default configuration", () => {
  const defaults = Config.parse({});
  for (const text of [
    "",
    "# nothing\n",
    "---\n# nothing\n---\n",
    "ageing:\n",
    "ageing:\n  idleWindow:\ntelemetry: ~\nclusterDomain: null\n",
    "{}",
    "\ufeff",
  ])
    assert.deepEqual(parseConfig(text, "c.yaml"), defaults, JSON.stringify(text));
});

test("T-50 merge keys and anchors work in the configuration too", () => {
  const text = "fallback: &one {service: a}\ncollector:\n  <<: *one\n";
  assert.equal(parseConfig(text, "c.yaml").collector.service, "a");
});

test("T-50 whatever is wrong is one line with file, line and field", () => {
  for (const [text, expected] of [
    ["ageing:\n  idleWindow: soon\n", /^CONFIG_INVALID: c\.yaml:2 ageing\.idleWindow: /],
    ["ageing:\n  idleWindo: 1h\n", /^CONFIG_INVALID: c\.yaml:2 ageing\.idleWindo: /],
    ["ageing: [\n", /^CONFIG_INVALID: c\.yaml:\d+: /],
    ["ageing: *nowhere\n", /^CONFIG_INVALID: c\.yaml:1: nothing before this alias has the anchor &nowhere/],
    ["ageing: {}\nageing: {}\n", /^CONFIG_INVALID: c\.yaml:2: Map keys must be unique/],
    ["- 1\n", /^CONFIG_INVALID: c\.yaml:1: /],
    ["just text\n", /^CONFIG_INVALID: c\.yaml:1: /],
    ["ageing: {}\n---\nageing: {}\n", /^CONFIG_INVALID: c\.yaml:2: a second document/],
    ["[".repeat(50_000), /^CONFIG_INVALID: c\.yaml:\d+: nested too deeply/],
  ] as const) {
    assert.throws(
      () => parseConfig(text, "c.yaml"),
      ({ message }: Error) => {
        assert.match(message, expected);
        return !message.includes("\n");
      },
    );
  }
});
