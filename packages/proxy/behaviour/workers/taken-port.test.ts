import assert from "node:assert/strict";
import { test } from "node:test";
import { startPool } from "../../src/testing/pool-under-test.ts";

for (const workers of [1, 2]) {
  test(`${workers} worker(s) do not start on a port that another pool has, though the kernel would let several share it`, async (t) => {
    const { port } = await startPool(t, { services: {} }, { workers: 2 });
    await assert.rejects(startPool(t, { services: {} }, { workers, port }), { code: "LISTEN_FAILED" });
  });
}
