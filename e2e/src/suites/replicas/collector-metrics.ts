import { FencelineError } from "@fenceline/api";
import type { RunningPod } from "../../lab/kubelet/running-pod.ts";
import { App } from "../../lab/pod/app.ts";

const METRICS = "http://127.0.0.1:18082/metrics";

/** The metrics of one collector. They are asked for inside of its pod: from outside, nothing passes its Envoy without mTLS. */
export class CollectorMetrics {
  readonly #app: App;

  private constructor(app: App) {
    this.#app = app;
  }

  static async of(collector: RunningPod): Promise<CollectorMetrics> {
    return new CollectorMetrics(await App.start(collector.pod, {}));
  }

  /** Access-log entries that it has received. */
  entries(): Promise<number> {
    return this.#read("fenceline_access_log_entries_total");
  }

  /** Edges that it was the one to see first. */
  edgesLearned(): Promise<number> {
    return this.#read("fenceline_edges_learned_total");
  }

  async #read(name: string): Promise<number> {
    const { body } = await this.#app.call(METRICS);
    const line = String(body)
      .split("\n")
      .find((one) => one.startsWith(`${name} `));
    if (line === undefined) throw new FencelineError("LAB_NO_METRIC", { message: `the collector has no metric ${name}` });
    return Number(line.slice(name.length));
  }
}
