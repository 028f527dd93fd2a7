/**
 * One worker of testing/worker.ts in a process of its own, for tests of what touches the whole
 * process.
 *
 * Usage: pool-process.ts UPSTREAM_PORT. Prints its port, and at each SIGUSR2 its metrics as one
 * line of JSON.
 */
import { pino } from "pino";
import { WorkerPool } from "../workers/worker-pool.ts";
import { SERVICE } from "./proxy-under-test.ts";
import type { TestWorkerSettings } from "./worker-settings.ts";

const settings: TestWorkerSettings = { services: { [SERVICE]: [Number(process.argv[2])] } };
const pool = await WorkerPool.start({
  module: new URL("./worker.ts", import.meta.url),
  settings,
  workers: 1,
  host: "127.0.0.1",
  port: 0,
  reporter: { reportRequests: () => {} },
  logger: pino({ level: "silent" }),
});
process.on("SIGUSR2", () => {
  void pool.metrics.metrics().then((text) => console.log(JSON.stringify(text)));
});
console.log(pool.port);
