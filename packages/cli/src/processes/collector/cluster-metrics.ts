import { groupOf } from "@fenceline/api";
import type { InformerHealth } from "@fenceline/kubernetes";
import { Counter, Gauge, Registry } from "prom-client";

/** What a collector in a cluster can say of itself, also while it waits for the API server. */
export interface ClusterView {
  /** How the copy of each kind is kept. */
  readonly health: () => readonly InformerHealth[];
  /** Whether this replica leads. */
  readonly leads: () => boolean;
}

/**
 * How well the API server is heard and whether this replica leads, read whenever somebody asks.
 * Label values come from a closed set of kinds and reasons.
 */
export function clusterMetrics({ health, leads }: ClusterView): Registry {
  const registry = new Registry();
  const registers = [registry];
  /**
   * A kind with several informers is as well as the worst of them, and has what all of them have.
   */
  const gauge = (
    name: string,
    help: string,
    read: (kind: InformerHealth) => number | undefined,
    together: (...values: number[]) => number = (...values) => values.reduce((sum, value) => sum + value, 0),
  ) =>
    new Gauge({
      name,
      help,
      labelNames: ["kind", "group"],
      registers,
      collect() {
        this.reset();
        for (const [, kinds] of Map.groupBy(health(), ({ kind, apiVersion }) => `${apiVersion}/${kind}`)) {
          const values = kinds.flatMap((kind) => read(kind) ?? []);
          const [one] = kinds;
          if (one !== undefined && values.length > 0) this.set(labelsOf(one), together(...values));
        }
      },
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
  new Counter({
    name: "fenceline_store_failures_total",
    help: "Lists and watches of a kind that failed, by reason.",
    labelNames: ["kind", "group", "reason"],
    registers,
    collect() {
      this.reset();
      for (const kind of health()) {
        for (const [reason, count] of Object.entries(kind.counts.failures)) this.inc({ ...labelsOf(kind), reason }, count);
      }
    },
  });
  new Gauge({
    name: "fenceline_leader",
    help: "1 while this replica leads: it alone ages and renders.",
    registers,
    collect() {
      this.set(Number(leads()));
    },
  });
  return registry;
}

/** Fences are of one kind in two groups. The core group has no name. */
function labelsOf({ kind, apiVersion }: InformerHealth): { readonly kind: string; readonly group: string } {
  return { kind, group: groupOf(apiVersion) };
}
