import type { EdgeReporter } from "@fenceline/als";
import { collectedCounter, collectedGauge } from "@fenceline/http-api/collected-metrics";
import { Registry as MetricsRegistry } from "prom-client";

/** The counts of the reporter from the global sidecar to the collector, read at each scrape. */
export function reporterMetrics({ stats }: Pick<EdgeReporter, "stats">): MetricsRegistry {
  const registry = new MetricsRegistry();
  collectedCounter(registry, {
    name: "fenceline_proxy_reports_total",
    help: "Requests whose edge was sent to the collector, or dropped for lack of room.",
    labelNames: ["fate"],
    read: () => {
      const { sent, dropped } = stats();
      return [
        [{ fate: "sent" }, sent],
        [{ fate: "dropped" }, dropped],
      ];
    },
  });
  collectedCounter(registry, {
    name: "fenceline_proxy_reporter_reconnects_total",
    help: "Times that the collector was reached again.",
    read: () => stats().reconnects,
  });
  collectedGauge(registry, {
    name: "fenceline_proxy_reporter_connected",
    help: "1 while the collector takes reports.",
    read: () => (stats().connected ? 1 : 0),
  });
  return registry;
}
