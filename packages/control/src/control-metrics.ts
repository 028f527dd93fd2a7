import type { Obstacle } from "@fenceline/store";

interface Counter<Labels> {
  inc(labels: Labels, count?: number): void;
}

/** A kind of ours: a closed set, since the table of kinds is one. */
interface OfKind {
  readonly kind: string;
}

/** What a controller counts. The names of the metrics are the daemon's. */
export interface ControlMetrics {
  /** Runs for an object of ours. */
  readonly reconciles: Counter<OfKind & { readonly result: "changed" | "unchanged" | "obstructed" | "error" }>;
  /** Objects written, by the kind of what is written. */
  readonly writes: Counter<OfKind & { readonly action: "create" | "update" | "delete" }>;
  readonly statusWrites: Counter<OfKind>;
  /** Writes for an object of ours that wait for their budget, counted at each try. */
  readonly delayedWrites: Counter<OfKind>;
  /** Errors of ours in what decides which objects of a kind are looked at. */
  readonly kindFaults: Counter<OfKind>;
  /** How many writes may be under way at a time now, read when somebody asks. */
  observeInFlight(read: () => number): void;
  /** What stands in the way of writes now, read when somebody asks. */
  observeObstacles(read: () => readonly Obstacle[]): void;
}
