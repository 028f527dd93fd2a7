import assert from "node:assert/strict";
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
