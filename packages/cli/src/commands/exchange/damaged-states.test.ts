import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { FencelineError } from "@fenceline/api";
import { objectsOfFolder } from "./sources.ts";

/** A folder with one fence, and a place for its state. */
function folderWithState(t: TestContext, make: (file: string) => void): string {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-states-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const fence = "{apiVersion: microservice.slime.io/v1alpha1, kind: ServiceFence, metadata: {name: a, namespace: shop}}";
  writeFileSync(join(folder, "fence.yaml"), fence);
  mkdirSync(join(folder, "state/shop"), { recursive: true });
  make(join(folder, "state/shop/ServiceFence-a.yaml"));
  return folder;
}

const FAULTS: Readonly<Record<string, (file: string) => void>> = {
  "a pipe that nobody writes to": (file) => void execFileSync("mkfifo", [file]),
  "a folder": (file) => mkdirSync(file),
  "cut off": (file) => writeFileSync(file, "objectName: a\ndomains: {b.shop.svc.cluster.local: {source: lear"),
  "aliases that multiply": (file) => {
    const levels = Array.from({ length: 30 }, (_, n) => `a${n + 1}: &a${n + 1} [*a${n}, *a${n}]`);
    writeFileSync(file, ["objectName: a", "a0: &a0 [x]", ...levels].join("\n"));
  },
};

for (const [what, make] of Object.entries(FAULTS)) {
  test(`T-26 an export of a folder names a state that is ${what}, and neither waits for it nor leaves hosts out`, async (t) => {
    const folder = folderWithState(t, make);
    await assert.rejects(objectsOfFolder(folder), (error) => {
      assert.ok(error instanceof FencelineError, String(error));
      assert.match(error.message, /^STATE_UNREADABLE: .*ServiceFence-a\.yaml: /);
      return true;
    });
  });
}
