/** `npm run e2e:setup`: installs every part of the mesh lab, skipping what is there. */
import { join } from "node:path";
import { withLock } from "../../scripts/install/lock.mjs";
import { runProgram } from "./exit.ts";
import { LAB_TOOLS } from "./places.ts";
import { requireLinuxAndRoot } from "./platform.ts";
import type { Part } from "./setup/part.ts";
import { PARTS } from "./setup/parts.ts";

await runProgram("e2e:setup", async () => {
  requireLinuxAndRoot();
  await withLock(join(LAB_TOOLS, "setup.lock"), async () => {
    for (const part of PARTS) await provide(part);
  });
});

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
