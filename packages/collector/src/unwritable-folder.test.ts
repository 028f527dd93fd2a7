/** T-15, T-22: what is gone or edited in a folder that cannot be written, conditions say. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { until } from "@fenceline/api/testing";
import { CAPTURED_MESH } from "./testing/mesh.ts";
import { type RunningCollector, startCollector } from "./testing/running-collector.ts";

const [SIDECAR, FILTER] = ["rendered/test1/Sidecar-a.yaml", "rendered/test1/EnvoyFilter-a.yaml"];
const isRoot = process.getuid?.() === 0;
const NEEDS_ROOT = { skip: isRoot ? false : "mounts a file system of its own" };

/** A collector over a folder on a file system of its own, which is made read-only and writable. */
async function startMounted(t: TestContext) {
  const mount = mkdtempSync(join(tmpdir(), "fenceline-mounted-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", mount]);
  const folder = join(mount, "mesh");
  try {
    mkdirSync(folder);
    const running = await startCollector(t, CAPTURED_MESH, folder);
    return { running, folder, remount: (how: "ro" | "rw") => execFileSync("mount", ["-o", `remount,${how}`, mount]) };
  } finally {
    // After the collector, which was told of the end first.
    t.after(() => {
      execFileSync("umount", [mount]);
      rmSync(mount, { recursive: true });
    });
  }
}

const conditions = ({ collector }: RunningCollector) => {
  const { status } = collector.reader.describe({ namespace: "test1", name: "a" }) ?? {};
  return Object.fromEntries((status?.conditions ?? []).map(({ type, status: what, reason, message }) => [type, { what, reason, message }]));
};
const told = (running: RunningCollector, type: string) => {
  const { what, reason } = conditions(running)[type] ?? {};
  return `${what} ${reason}`;
};
const isReady = (running: RunningCollector) =>
  told(running, "Ready") === "True Rendered" && told(running, "Enforced") === "True SidecarRendered";

for (const [what, damage, expected] of [
  ["is deleted", (folder: string) => rmSync(join(folder, SIDECAR)), "False WriteForbidden"],
  ["is emptied", (folder: string) => writeFileSync(join(folder, SIDECAR), ""), "False WriteForbidden"],
  [
    "is edited",
    (folder: string) =>
      writeFileSync(join(folder, SIDECAR), readFileSync(join(folder, SIDECAR), "utf8").replace(/- \S+\/\S+$/m, '- "*/*"')),
    "False SidecarDiffers",
  ],
  ["went with its folder", (folder: string) => rmSync(join(folder, "rendered"), { recursive: true }), "False WriteForbidden"],
] as const)
  test(
    `T-15 T-22 a Sidecar that ${what} just before its file system becomes read-only is told, and is written again once that may be written`,
    NEEDS_ROOT,
    async (t) => {
      const { running, folder, remount } = await startMounted(t);
      await until(() => isReady(running));
      const text = running.read(SIDECAR);
      damage(folder);
      remount("ro");
      await until(() => told(running, "Ready") === "False WriteForbidden");
      assert.match(conditions(running).Ready?.message ?? "", /mount the file system of the folder writable/);
      await until(() => told(running, "Enforced") === expected);
      remount("rw");
      await until(() => running.read(SIDECAR) === text);
      await until(() => isReady(running));
    },
  );

test(
  "T-15 T-22 an EnvoyFilter that is deleted while the disk is full is told: calls do not get to the global sidecar",
  NEEDS_ROOT,
  async (t) => {
    const { running, folder } = await startMounted(t);
    await until(() => isReady(running));
    const { bavail, bsize } = statfsSync(folder);
    // What the deleted file leaves free is taken, too.
    const large = join(folder, "large.bin");
    writeFileSync(large, Buffer.alloc(bavail * bsize));
    writeFileSync(join(folder, FILTER), "");
    rmSync(join(folder, "rendered/test1/EnvoyFilter-a.yaml"));
    writeFileSync(join(folder, "rest.bin"), Buffer.alloc(statfsSync(folder).bavail * bsize));
    await until(() => told(running, "Ready") === "False DiskFull");
    assert.equal(told(running, "FallbackReady"), "False EnvoyFilterMissing");
    rmSync(large);
    await until(() => isReady(running) && told(running, "FallbackReady") === "True EndpointsReady");
  },
);

test("T-15 T-22 a file in place of the folder of what is rendered is told, and all is there again when it has gone", async (t) => {
  const running = await startCollector(t, CAPTURED_MESH);
  const { folder } = running;
  await until(() => isReady(running));
  renameSync(join(folder, "rendered"), join(folder, "moved"));
  writeFileSync(join(folder, "rendered"), "");
  await until(() => told(running, "Ready") === "False WriteFailed");
  await until(() => told(running, "Enforced") === "False WriteFailed");
  rmSync(join(folder, "rendered"));
  await until(() => isReady(running) && running.read(SIDECAR) !== "" && running.read(FILTER) !== "");
});

test(
  "T-15 a Sidecar that cannot be removed, since its file system is read-only, is still in force, and the fence says so",
  NEEDS_ROOT,
  async (t) => {
    const { running, remount } = await startMounted(t);
    await until(() => isReady(running));
    running.write("mesh.yaml", CAPTURED_MESH.replace("enable: true", "enable: false"));
    remount("ro");
    await until(() => told(running, "Ready") === "False WriteForbidden" && told(running, "Enforced") === "True SidecarRemains");
    remount("rw");
    await until(() => told(running, "Enforced") === "False ModeOff" && told(running, "Ready") === "True Rendered");
    assert.equal(running.read(SIDECAR), "");
  },
);
