import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { removeUnfinished } from "./atomic-file.ts";

test("T-50 what unfinished writes left is removed, and no other tree is walked for it, whatever links lead there", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-unfinished-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const [state, other] = [join(folder, "state"), join(folder, "other")];
  for (const each of [join(state, "test1"), join(state, "test1/deeper"), other]) mkdirSync(each, { recursive: true });
  const name = ".ServiceFence-a.yaml.0123456789ab.tmp";
  for (const each of [state, join(state, "test1"), join(state, "test1/deeper"), other]) writeFileSync(join(each, name), "");
  symlinkSync(other, join(state, "link"));
  writeFileSync(join(state, "somebody-elses.tmp"), "");
  await removeUnfinished(state);
  assert.deepEqual(
    [readdirSync(state), readdirSync(join(state, "test1")), readdirSync(other)],
    [["link", "somebody-elses.tmp", "test1"], ["deeper"], [name]],
  );
  await removeUnfinished(join(folder, "none"));
});
