import assert from "node:assert/strict";
import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { collectorToken } from "./collector-token.ts";

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-token-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

test("T-01 the token is read again each time, also when it is replaced as a kubelet does", (t) => {
  const folder = folderOf(t);
  for (const version of ["1", "2"]) writeFileSync(join(folder, `token-${version}`), `token.of.${version}\n`);
  symlinkSync("token-1", join(folder, "token"));
  const read = collectorToken(join(folder, "token"));
  assert.equal(read?.(), "token.of.1");
  symlinkSync("token-2", join(folder, "new"));
  renameSync(join(folder, "new"), join(folder, "token"));
  assert.equal(read?.(), "token.of.2");
});

test("T-01 a token that is not there is an error that says what to do, and none is needed where no file is named", (t) => {
  const folder = folderOf(t);
  const read = collectorToken(join(folder, "token"));
  const missing = { code: "COLLECTOR_TOKEN_UNREADABLE", message: /the file does not exist.*--collector-token-file/s };
  assert.throws(() => read?.(), missing);
  assert.throws(() => collectorToken("/dev/zero")?.(), { code: "COLLECTOR_TOKEN_UNREADABLE", message: /larger than 16 KiB/ });
  writeFileSync(join(folder, "token"), "\n");
  assert.throws(() => read?.(), { code: "COLLECTOR_TOKEN_UNREADABLE", message: /empty/ });
  writeFileSync(join(folder, "token"), "a.b.c");
  assert.equal(read?.(), "a.b.c");
  assert.equal(collectorToken(undefined), undefined);
});
