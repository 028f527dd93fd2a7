import assert from "node:assert/strict";
import { test } from "node:test";
import { fenceLogName, formatFenceKey, parseFenceKey, parseFenceLogName } from "./fence-key.ts";

const KEY = { namespace: "test1", name: "app-a.workload.identity" };

test("a key and a log name are read back as they were written", () => {
  assert.deepEqual(parseFenceKey(formatFenceKey(KEY)), KEY);
  assert.deepEqual(parseFenceLogName(fenceLogName(KEY)), KEY);
});

for (const text of ["", "a", "/a", "a/", "a/b/c", "A/b", "a/B", "a.b/c", "a/b ", " a/b", "a/-b", "a\n/b", `${"a".repeat(300)}/b`]) {
  test(`${JSON.stringify(text).slice(0, 20)} is no fence`, () => assert.equal(parseFenceKey(text), undefined));
}

test("the log names of others are no fence's", () => {
  for (const name of ["", "http_envoy_accesslog", "fenceline", "fenceline-fallback", "fenceline/a", "xfenceline/a/b"])
    assert.equal(parseFenceLogName(name), undefined, name);
});
