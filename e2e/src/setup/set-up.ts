import { join } from "node:path";
import { withLock } from "../../../scripts/install/lock.mjs";
import { LAB_TOOLS } from "../places.ts";
import type { Part } from "./part.ts";
import { partsOf } from "./parts.ts";
import type { Releases } from "./releases.ts";

/** Installs what a lab needs and is not there, with a line for each part. */
export async function setUp(releases: Releases): Promise<void> {
  await withLock(join(LAB_TOOLS, "setup.lock"), async () => {
    for (const part of partsOf(releases)) await provide(part);
  });
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
