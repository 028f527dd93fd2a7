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
    "\\pL\\x{7F}",
    "a{,5}",
    "[]a]",
    "\\x{7f}{2}",
    "(a{31}){32}",
    "a{1000}b{1000}",
    "(a{600}|b{600})c{600}",
    "(?:a{500})+(b{500})*",
    "(?i)a{900}(?:b){900}",
    "[(]a{500}[)]{500}",
    "\\(a{500}\\){500}",
    "(a{500}){1}",
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
    "a{1001,}",
    "\\x{100}",
    "(a{32}){32}",
    "(?:x(?P<n>b?a{11,}c)d{2}){0,91}",
    "((a{10}){10}){11}",
    "(?P<n>a)\\k<n>",
    "a{2,1}",
    "\\Za",
    "\\u0041",
    "(?x)a",
  ])
    assert.notEqual(re2Fault(text), undefined, text);
});
