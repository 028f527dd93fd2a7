import assert from "node:assert/strict";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { runToEnd, startFenceline } from "../../testing/fenceline-process.ts";

const PORTS = ["--proxy-port", "0", "--als-port", "0", "--api-port", "0"];

test("T-50 a folder that another standalone works in is refused, also by way of a link, until that one ends, however it ends", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-in-use-"));
  const link = `${folder}-link`;
  symlinkSync(folder, link);
  t.after(() => {
    rmSync(folder, { recursive: true });
    rmSync(link);
  });
  const first = await startFenceline(folder, "--no-demo");
  t.after(() => first.kill("SIGKILL"));
  for (const dir of [folder, link]) {
    const { code, stdout, stderr } = await runToEnd(["standalone", "--dir", dir, ...PORTS]);
    const told = `DIRECTORY_IN_USE: ${dir}: another fenceline standalone works in this folder (stop it, or name another folder with --dir)\n`;
    assert.deepEqual({ code, stdout, stderr }, { code: 2, stdout: "", stderr: told });
  }
  // Killed: nothing was cleaned up, and nothing stands in the way of the next one.
  first.kill("SIGKILL");
  await first.ended;
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    const next = await startFenceline(folder, "--no-demo");
    next.kill(signal);
    await next.ended;
  }
});
