import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { SERVICE_FENCE } from "@fenceline/api";
import { DirectoryStore } from "./directory-store.ts";

const WRITER = join(import.meta.dirname, "../testing/endless-writer.ts");
const FENCE =
  "apiVersion: microservice.slime.io/v1alpha1\nkind: ServiceFence\nmetadata: {name: a, namespace: test1}\nspec: {enable: true}\n";
const KILLS = 8;

test("killed with -9 at any moment: whatever was said to be written is there, and nothing is half written", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-kill-"));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "a.yaml"), FENCE);
  for (let kill = 0; kill < KILLS; kill += 1) {
    const written = await killAfterWrites(folder, 3 + kill * 5);
    const store = await DirectoryStore.open({ folder, onRefused: assert.fail });
    const hosts = Object.keys(store.snapshot().of(SERVICE_FENCE)[0]?.status.domains ?? {});
    await store.close();
    assert.ok(hosts.length === written || hosts.length === written + 1, `${written} writes were reported, ${hosts.length} hosts are there`);
  }
});

/** Lets the writer write at least so often, kills it, and says how many writes it had reported. */
async function killAfterWrites(folder: string, least: number): Promise<number> {
  const writer: ChildProcess = spawn(process.execPath, [WRITER, folder], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  writer.stdout?.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    if (lastOf(output) >= least) writer.kill("SIGKILL");
  });
  await once(writer, "close");
  return lastOf(output);
}

function lastOf(output: string): number {
  return Number(output.split("\n").at(-2) ?? 0);
}
