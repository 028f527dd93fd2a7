import { join } from "node:path";
import { withLock } from "../../../scripts/install/lock.mjs";
import { LAB_TOOLS } from "../places.ts";
import type { Part } from "./part.ts";
import { partsOf } from "./parts.ts";
import type { Releases } from "./releases.ts";

/**
 * Installs what a lab needs and is not there, with a line for each part. One setup at a time
 * installs; a lab that lacks nothing waits for none, which may be building another Istio.
 */
export async function setUp(releases: Releases): Promise<void> {
  const parts = partsOf(releases);
  const provideAll = async () => {
    for (const part of parts) await provide(part);
  };
  const areThere = await Promise.all(parts.map((part) => part.isThere()));
  if (areThere.every((isThere) => isThere)) await provideAll();
  else await withLock(join(LAB_TOOLS, "setup.lock"), provideAll);
}

/** One line: what it is, where it comes from, and whether it was there. */
async function provide(part: Part): Promise<void> {
  process.stdout.write(`${part.name.padEnd(18)}${part.source.padEnd(75)}`);
  if (await part.isThere()) {
    console.log("there");
    return;
  }
  process.stdout.write("installing ");
  const start = performance.now();
  try {
    await part.install();
  } catch (error) {
    console.log("failed");
    throw error;
  }
  console.log(`took ${((performance.now() - start) / 1_000).toFixed(0)} s`);
}
