import { groupOf } from "@fenceline/api";
import { collectedCounter, collectedGauge } from "@fenceline/http-api/collected-metrics";
import type { InformerHealth } from "@fenceline/kubernetes";
import { Registry as MetricsRegistry } from "prom-client";

/** The state of a collector in a cluster, also while it waits for the API server. */
export interface ClusterView {
  /** The health of each informer. */
  readonly health: () => readonly InformerHealth[];
  /** Whether this replica leads. */
  readonly leads: () => boolean;
}

/**
 * Metrics of the connection to the API server, and whether this replica leads, read at each scrape.
 * Label values come from a closed set of kinds and reasons.
 */
export function clusterMetrics({ health, leads }: ClusterView): MetricsRegistry {
  const registry = new MetricsRegistry();
  /**
   * A kind with several informers has the health of the worst of them, and the objects of all of
   * them.
   */
  const gauge = (
    name: string,
    help: string,
    read: (kind: InformerHealth) => number | undefined,
    together: (...values: number[]) => number = (...values) => values.reduce((sum, value) => sum + value, 0),
  ) =>
    collectedGauge(registry, {
      name,
      help,
      labelNames: ["kind", "group"],
      read: () =>
        [...Map.groupBy(health(), ({ kind, apiVersion }) => `${apiVersion}/${kind}`).values()].flatMap((kinds) => {
          const values = kinds.flatMap((kind) => read(kind) ?? []);
          const [one] = kinds;
          return one === undefined || values.length === 0 ? [] : [[labelsOf(one), together(...values)] as const];
        }),
    });
  gauge("fenceline_store_synced", "1 when a kind was listed completely since the start.", ({ synced }) => Number(synced), Math.min);
  gauge("fenceline_store_watching", "1 while what is known of a kind is current.", ({ state }) => Number(state === "watching"), Math.min);
  gauge("fenceline_store_objects", "Objects of a kind that are known.", ({ objects }) => objects);
  gauge("fenceline_store_invalid_objects", "Objects of a kind of which no version was valid.", ({ invalid }) => invalid);
  gauge(
    "fenceline_store_contact_age_seconds",
    "Time since the API server last said something about a kind. A quiet watch hears from it once a minute.",
    ({ contactAge }) => (contactAge === undefined ? undefined : contactAge / 1_000),
    Math.max,
  );
  collectedCounter(registry, {
    name: "fenceline_store_failures_total",
    help: "Lists and watches of a kind that failed, by reason.",
    labelNames: ["kind", "group", "reason"],
    read: () =>
      health().flatMap((kind) =>
        Object.entries(kind.counts.failures).map(([reason, count]) => [{ ...labelsOf(kind), reason }, count] as const),
      ),
  });
  collectedGauge(registry, {
    name: "fenceline_leader",
    help: "1 while this replica leads: it alone ages and renders.",
    read: () => Number(leads()),
  });
  return registry;
}

/** Fences are one kind in two groups. The core group has no name. */
function labelsOf({ kind, apiVersion }: InformerHealth): { readonly kind: string; readonly group: string } {
  return { kind, group: groupOf(apiVersion) };
}
