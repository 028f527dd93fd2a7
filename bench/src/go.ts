import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { BENCH, TOOLS } from "./places.ts";

const built = new Map<string, string>();

/**
 * Builds a Go program of `bench/peers`, once in a run, and returns the binary. Quick when nothing
 * changed: the Go build cache knows.
 */
export function buildPeer(name: string): string {
  const binary = built.get(name) ?? build(name);
  built.set(name, binary);
  return binary;
}

function build(name: string): string {
  const binary = join(TOOLS, "bench", name);
  mkdirSync(join(TOOLS, "bench"), { recursive: true });
  const go = spawnSync("go", ["build", "-o", binary, "."], { cwd: join(BENCH, "peers", name), encoding: "utf8" });
  if (go.error !== undefined) throw new Error(`Go is needed to build bench/peers/${name} (https://go.dev/dl/): ${go.error.message}`);
  if (go.status !== 0) throw new Error(`go build in bench/peers/${name} failed:\n${go.stderr}`);
  return binary;
}
