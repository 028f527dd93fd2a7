import { EventEmitter, once } from "node:events";
import type { TestContext } from "node:test";
import { until } from "@fenceline/api/testing";
import { pino } from "pino";
import { WorkerPool, type WorkerPoolOptions } from "../workers/worker-pool.ts";
import { RecordedEdges } from "./proxy-under-test.ts";
import type { TestWorkerSettings } from "./worker-settings.ts";

/** A worker pool that a test's end stops. */
export interface PoolUnderTest {
  readonly pool: WorkerPool;
  readonly port: number;
  readonly reported: RecordedEdges;
  /** Resolves with the first line of the log that has this message, from the start on. */
  line(message: string): Promise<Record<string, unknown>>;
  /** Sum of a metric's samples whose text begins like this. */
  metric(sample: string): Promise<number>;
  /** Resolves once `metric` is what the condition wants. */
  metricIs(sample: string, condition: (value: number) => boolean): Promise<void>;
}

/** Starts workers of testing/worker.ts. */
export async function startPool(
  t: TestContext,
  settings: TestWorkerSettings,
  options: Partial<WorkerPoolOptions> = {},
): Promise<PoolUnderTest> {
  const reported = new RecordedEdges();
  const lines: Record<string, unknown>[] = [];
  const logged = new EventEmitter();
  const write = (text: string) => {
    lines.push(JSON.parse(text));
    logged.emit("line");
  };
  const module = new URL("./worker.ts", import.meta.url);
  const logger = pino({ level: "debug" }, { write });
  const pool = await WorkerPool.start({ module, settings, workers: 2, host: "127.0.0.1", port: 0, reporter: reported, logger, ...options });
  t.after(() => pool.close({ deadline: 100 }));
  const metric = async (sample: string) => {
    const found = (await pool.metrics.metrics()).split("\n").filter((line) => line.startsWith(sample));
    return found.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
  };
  return {
    pool,
    port: pool.port,
    reported,
    async line(message) {
      for (;;) {
        const found = lines.find(({ msg }) => msg === message);
        if (found !== undefined) return found;
        await once(logged, "line");
      }
    },
    metric,
    async metricIs(sample, condition) {
      await until(async () => condition(await metric(sample)));
    },
  };
}
