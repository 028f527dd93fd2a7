import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { printable, printableLines } from "@fenceline/api/vocabulary";
import fc from "fast-check";

test("T-52 what is printed for people holds nothing that a terminal obeys, and forges no line", () => {
  const hostile = "\u001b]0;owned\u0007a\u009b31m\r\nINFO: all is well\u202egnp\u007f";
  assert.equal(printable(hostile), "\\u001b]0;owned\\u0007a\\u009b31m\\u000d\\u000aINFO: all is well\\u202egnp\\u007f");
  assert.equal(printableLines("at one\n  at two\u001b"), "at one\n  at two\\u001b");
});

test("T-52 text without controls stays as it is, and no text keeps one", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), (text) => !/[\p{Cc}]/u.test(printable(text))));
  fc.assert(fc.property(fc.stringMatching(/^[\p{L}\p{N}\p{P} ]*$/u), (text) => printable(text) === text));
});

test("T-52 a line of either format holds nothing that a terminal obeys, and JSON is read as it was", () => {
  const requestId = "\u009b31m\u0085\u2028\u202e\u001b[2J";
  const logger = new URL("./logger.ts", import.meta.url);
  const logged = (format: string) => {
    const code = `const { createLogger } = await import(${JSON.stringify(logger)}); createLogger("${format}", "info").info(${JSON.stringify({ requestId })}, "m");`;
    return spawnSync(process.execPath, ["--input-type=module", "--eval", code], { encoding: "utf8" }).stdout;
  };
  for (const format of ["json", "pretty"]) assert.match(logged(format), /^[^\p{Cc}\u2028\u202e]+\n$/u);
  assert.equal(JSON.parse(logged("json")).requestId, requestId);
});
