import type { RunningPod } from "../../lab/kubelet/running-pod.ts";
import { Metrics } from "../mesh/metrics.ts";

const PORT = 18_082;

/** The metrics of one collector. */
export class CollectorMetrics {
  readonly #metrics: Metrics;

  private constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  static async of(collector: RunningPod): Promise<CollectorMetrics> {
    return new CollectorMetrics(await Metrics.of(collector, PORT));
  }

  /** Access-log entries that it has received. */
  entries(): Promise<number> {
    return this.#metrics.read("fenceline_access_log_entries_total");
  }

  /** Edges that it was the one to see first. */
  edgesLearned(): Promise<number> {
    return this.#metrics.read("fenceline_edges_learned_total");
  }
}
