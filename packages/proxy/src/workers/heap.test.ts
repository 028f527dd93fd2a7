import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { heapLimits } from "./heap.ts";

/**
 * Leaves much garbage behind, of which some lives for a while: V8 lets the young generation grow as
 * far as it may then. Tells the most it took, in bytes.
 */
const LITTER = `
  const { getHeapSpaceStatistics } = require("node:v8");
  let most = 0;
  let kept;
  for (let i = 0; i < 64; i++) {
    const batch = Array.from({ length: 20_000 }, (_, at) => ({ at, more: [i, at] }));
    const young = getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space");
    most = Math.max(most, young.space_size);
    kept = batch;
  }
  require("node:worker_threads").parentPort.postMessage(most);
`;

async function youngGeneration(): Promise<number> {
  const worker = new Worker(LITTER, { eval: true, resourceLimits: heapLimits() });
  const [bytes] = await once(worker, "message");
  await worker.terminate();
  return bytes / 2 ** 20;
}

test("garbage does not let a worker's young generation grow beyond its limit, and may fill what a small container would not give it", async () => {
  const megabytes = await youngGeneration();
  assert.ok(megabytes <= 24, `${megabytes} MiB`);
  assert.ok(megabytes > 3, `${megabytes} MiB`);
});

test("a worker's old generation is limited, and more so where V8 would give less by itself", () => {
  assert.equal(heapLimits(4_288 * 2 ** 20).maxOldGenerationSizeMb, 1_024);
  assert.equal(heapLimits(259.5 * 2 ** 20).maxOldGenerationSizeMb, 259);
});
