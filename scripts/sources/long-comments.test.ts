import assert from "node:assert/strict";
import { test } from "node:test";
import { longComments } from "./long-comments.mjs";

test("comment lines beyond column 100 are named, code and addresses on the web are not", () => {
  const long = "x".repeat(98);
  const lines = [
    `// ${long}`,
    `  /** ${long}`,
    ` * ${long}`,
    `const a = "${long}"; // short`,
    ` * https://example.com/${long}`,
    `// ${"y".repeat(97)}`,
  ];
  assert.deepEqual(longComments(lines.join("\n")), [1, 2, 3]);
});
