import assert from "node:assert/strict";
import { test } from "node:test";
import { parseConfig } from "./config-file.ts";
import { parseManifests } from "./manifest.ts";

/** What is said of a file of manifests, or of a configuration. */
function faultsOf(text: string): readonly [string, string] {
  const faultOf = (read: (text: string, file: string) => unknown) => {
    try {
      read(text, "f.yaml");
    } catch (error) {
      return (error as Error).message;
    }
    return "none";
  };
  return [faultOf(parseManifests), faultOf(parseConfig)];
}

function assertFault(text: string, line: number, message: RegExp): void {
  for (const fault of faultsOf(text)) {
    assert.match(fault, new RegExp(`f\\.yaml:${line}: ${message.source}`));
    assert.ok(fault.length < 2_000, fault);
  }
}

test("a text of more documents than anybody has is read up to the limit, and refused with the line", () => {
  assertFault("---\n".repeat(60_000), 50_000, /more than 50000 documents/);
});

test("a text of more signs than anybody has is read up to the limit, and refused with the line", () => {
  assertFault("\n".repeat(4_000_000), 3_000_001, /more than 3000000 keys, values, line ends and signs/);
});

test("collections within collections are read down to 200 levels, in blocks, brackets and keys", () => {
  for (const opened of ["[", "- ", "? ", "{a: ", "[{"]) assertFault(opened.repeat(1_000_000), 1, /nested too deeply: more than 200/);
  assertFault(Array.from({ length: 300 }, (_, level) => `${" ".repeat(level)}a:`).join("\n"), 200, /nested too deeply: more than 200/);
  const [, fault] = faultsOf(`a: ${"[".repeat(150)}${"]".repeat(150)}`);
  assert.doesNotMatch(fault, /nested/);
});

test("merge keys that copy many keys many times are refused before any is copied", () => {
  const wide = `a: &a {${Array.from({ length: 2_000 }, (_, index) => `k${index}: 1`).join(", ")}}\n`;
  const uses = (count: number) => `${wide}${Array.from({ length: count }, (_, index) => `u${index}: {<<: *a}`).join("\n")}`;
  assertFault(uses(501), 1, /merge keys copy more than 1000000 keys/);
  const chain = Array.from({ length: 2_000 }, (_, index) => `a${index + 1}: &a${index + 1} {<<: *a${index}, k${index}: 1}`).join("\n");
  assertFault(`a0: &a0 {x: 1}\n${chain}`, 1, /merge keys copy more than 1000000 keys/);
  const [, fault] = faultsOf(uses(50));
  assert.doesNotMatch(fault, /merge keys/);
});

test("aliases that multiply are refused, and those that are many", () => {
  const laughs = Array.from({ length: 30 }, (_, index) => `a${index + 1}: &a${index + 1} [${`*a${index}, `.repeat(9)}]`).join("\n");
  assertFault(`a0: &a0 [x]\n${laughs}`, 1, /Excessive alias count/);
  assertFault(`a: &a x\nb:\n${"- *a\n".repeat(5_000)}`, 1, /5000 aliases of 1 anchors are too many/);
});
