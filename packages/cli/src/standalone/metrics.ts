import type { EdgeReporter } from "@fenceline/als";
import { Counter, Gauge, Registry } from "prom-client";

/** Metrics of what only a standalone run puts together: the folder, and the reporter between the global sidecar and the collector. */
export class StandaloneMetrics {
  readonly registry = new Registry();
  readonly manifestsRefused = new Counter({
    name: "fenceline_manifests_refused_total",
    help: "Changed manifest files that were not valid.",
    registers: [this.registry],
  });

  /** Shows what a reporter has counted, whenever somebody asks. */
  observeReporter({ stats }: Pick<EdgeReporter, "stats">): void {
    const registers = [this.registry];
    new Counter({
      name: "fenceline_proxy_reports_total",
      help: "Requests whose edge was sent to the collector, or dropped for want of room.",
      labelNames: ["fate"],
      registers,
      collect() {
        const { sent, dropped } = stats();
        this.reset();
        this.inc({ fate: "sent" }, sent);
        this.inc({ fate: "dropped" }, dropped);
      },
    });
    new Counter({
      name: "fenceline_proxy_reporter_reconnects_total",
      help: "Times that the collector was reached again.",
      registers,
      collect() {
        this.reset();
        this.inc(stats().reconnects);
      },
    });
    new Gauge({
      name: "fenceline_proxy_reporter_connected",
      help: "1 while the collector takes reports.",
      registers,
      collect() {
        this.set(stats().connected ? 1 : 0);
      },
    });
  }
}
