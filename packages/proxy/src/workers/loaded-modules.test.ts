import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { Worker } from "node:worker_threads";

/** Tells which of Node's own modules a data-path thread has loaded. */
const THREAD = `
  const { parentPort, workerData } = require("node:worker_threads");
  import(workerData).then(() => parentPort.postMessage(process.moduleLoadList));
`;

test("a data-path thread does not load Node's undici, which it has no use for", async () => {
  const worker = new Worker(THREAD, { eval: true, workerData: new URL("../data-path.ts", import.meta.url).href });
  const [modules] = await once(worker, "message");
  await worker.terminate();
  assert.ok(
    modules.some((name: string) => name.includes("_http_server")),
    "the list names what was loaded",
  );
  assert.deepEqual(
    modules.filter((name: string) => name.includes("undici")),
    [],
  );
});
