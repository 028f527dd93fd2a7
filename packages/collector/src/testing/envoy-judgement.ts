import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toolPath } from "../../../../scripts/tools/tools.mjs";

const binary = toolPath("envoy");

/** Why tests with a real Envoy are left out here; false where they are not. */
export const withoutEnvoy =
  binary === undefined && process.env.CI !== "true" && "no Envoy here: scripts/tools/install.mjs envoy could not install it";

/** What a real Envoy says of a configuration; empty when it takes it. */
export function faultOf(bootstrap: object): string {
  const place = mkdtempSync(join(tmpdir(), "fenceline-limits-"));
  try {
    const file = join(place, "envoy.json");
    writeFileSync(file, JSON.stringify(bootstrap));
    const { status, stderr } = spawnSync(binary ?? "envoy", ["--mode", "validate", "-c", file, "-l", "error"], { encoding: "utf8" });
    return status === 0 ? "" : stderr;
  } finally {
    rmSync(place, { recursive: true });
  }
}
