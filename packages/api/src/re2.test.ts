import assert from "node:assert/strict";
import { test } from "node:test";
import { re2Fault } from "./re2.ts";

test("T-50 expressions of RE2 that JavaScript does not know are taken", () => {
  for (const text of [
    "^[^.:]+(:[0-9]+)?$",
    "(?i)(a|b)\\.?(:[0-9]+)?|\\[[0-9a-fA-F:.]+\\](:[0-9]+)?",
    "(?i)a",
    "(?i:a)b",
    "(?s-i)a",
    "(?P<n>a)",
    "(?<n>a)",
    "[[:alpha:]]+",
    "[^[:space:]/]",
    "\\Aa\\z",
    "\\Q(*\\E",
    "\\pL\\x{10FFFF}",
    "a{,5}",
    "[]a]",
    "\\101",
  ])
    assert.equal(re2Fault(text), undefined, text);
});

test("T-50 expressions that RE2 does not take are refused, also those that JavaScript knows", () => {
  for (const text of [
    "(",
    "a)",
    "*",
    "a**",
    "[z-a]",
    "[a",
    "a\\",
    "(?=a)",
    "(?!a)",
    "(?<=a)b",
    "(?<!a)b",
    "(a)\\1",
    "a{1001}",
    "a{2,1}",
    "\\Za",
    "\\u0041",
    "(?x)a",
  ])
    assert.notEqual(re2Fault(text), undefined, text);
});
