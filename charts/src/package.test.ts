import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { HELM, helm } from "./chart.ts";
import { objectsIn } from "./testing/chart-objects.ts";
import type { PodTemplate } from "./testing/object-kinds.ts";

const skip = HELM === undefined && process.env.CI !== "true" && "no Helm here: scripts/tools/install.mjs helm could not install it";
const SCRIPT = fileURLToPath(new URL("package.ts", import.meta.url));
const DIGEST = (digit: string) => `sha256:${digit.repeat(64)}`;
const IMAGE = `registry.example/fenceline@${DIGEST("1")}`;
const GLOBAL_SIDECAR = `registry.example/fenceline-global-sidecar@${DIGEST("2")}`;

const pack = (...args: string[]) => spawnSync(process.execPath, [SCRIPT, ...args], { encoding: "utf8" });

test("T-53 a packaged chart runs the images of its digests, and no other", { skip }, (t) => {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-package-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const { status, stderr } = pack("--image", IMAGE, "--global-sidecar-image", GLOBAL_SIDECAR, "--destination", folder);
  assert.equal(status, 0, stderr);
  const [name = ""] = readdirSync(folder);
  assert.match(name, /^fenceline-\d+\.\d+\.\d+\.tgz$/);

  const { code, output, errors } = helm("template", "fenceline", join(folder, name), "--namespace", "fenceline");
  assert.equal(code, 0, errors);
  const images = objectsIn(output)
    .filter(({ kind }) => ["Deployment", "Job"].includes(kind))
    .map((object) => {
      const { spec } = object as unknown as { spec: { template: PodTemplate } };
      return `${object.metadata.name} ${spec.template.spec.containers.map(({ image }) => image)}`;
    });
  assert.deepEqual(images.sort(), [`fenceline-collector ${IMAGE}`, `fenceline-withdraw ${IMAGE}`, `global-sidecar ${GLOBAL_SIDECAR}`]);
});

for (const [what, args, message] of [
  ["no image", [], /^--image is missing/],
  ["one image", ["--image", IMAGE], /^--global-sidecar-image is missing/],
  ["a tag", ["--image", "registry.example/fenceline:0.1.0", "--global-sidecar-image", GLOBAL_SIDECAR], /names no digest/],
  ["half a digest", ["--image", `${IMAGE.slice(0, -1)}`, "--global-sidecar-image", GLOBAL_SIDECAR], /names no digest/],
] as const) {
  test(`T-53 nothing is packaged with ${what}`, () => {
    const { status, stderr } = pack(...args);
    assert.equal(status, 2);
    assert.match(stderr, message);
  });
}
