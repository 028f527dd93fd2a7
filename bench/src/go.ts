import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { BENCH, TOOLS } from "./places.ts";

/** Builds a Go program of `bench/peers` and returns the binary. Quick when nothing changed: the Go build cache knows. */
export function buildPeer(name: string): string {
  const binary = join(TOOLS, "bench", name);
  mkdirSync(join(TOOLS, "bench"), { recursive: true });
  const build = spawnSync("go", ["build", "-o", binary, "."], { cwd: join(BENCH, "peers", name), encoding: "utf8" });
  if (build.error !== undefined) throw new Error(`Go is needed to build bench/peers/${name} (https://go.dev/dl/): ${build.error.message}`);
  if (build.status !== 0) throw new Error(`go build in bench/peers/${name} failed:\n${build.stderr}`);
  return binary;
}
