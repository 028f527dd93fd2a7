import type { EdgeReporter } from "@fenceline/als";
import { Counter, Gauge, Registry } from "prom-client";

/**
 * What the reporter between the global sidecar and the collector has counted, read whenever
 * somebody asks.
 */
export function reporterMetrics({ stats }: Pick<EdgeReporter, "stats">): Registry {
  const registry = new Registry();
  const registers = [registry];
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
  return registry;
}
