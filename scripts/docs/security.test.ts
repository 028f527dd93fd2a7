import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const PROJECT = fileURLToPath(new URL("../..", import.meta.url));

test("every line of docs/security.md names a test that is there, and the entry that it stands for is tested in it", () => {
  const lines = readFileSync(join(PROJECT, "docs/security.md"), "utf8").split("\n");
  const proofs = lines.flatMap((line) =>
    [...line.matchAll(/(T-\d{2}) \[`[^`]+`\]\(\.\.\/([^)]+)\)/g)].map(([, entry = "", path = ""]) => ({ entry, path })),
  );
  assert.ok(proofs.length > 30);
  for (const { entry, path } of proofs) {
    assert.ok(existsSync(join(PROJECT, path)), path);
    assert.ok(readFileSync(join(PROJECT, path), "utf8").includes(entry), `${path} has no ${entry}`);
  }
});
