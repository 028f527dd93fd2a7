import type { Obstacle } from "@fenceline/store";

interface Counter<Labels> {
  inc(labels: Labels): void;
}

/** What controllers count. The names of the metrics are the daemon's. */
export interface ControlMetrics {
  /** Runs of a controller. */
  readonly reconciles: Counter<{ readonly result: "changed" | "unchanged" | "obstructed" | "error" }>;
  /** Objects written. */
  readonly writes: Counter<{ readonly kind: string; readonly action: "create" | "update" | "delete" }>;
  readonly statusWrites: { inc(): void };
  /** Writes that wait since there is no budget for them, counted at each try. */
  readonly delayedWrites: { inc(count: number): void };
  /** How many writes may be under way at a time now, read when somebody asks. */
  observeInFlight(read: () => number): void;
  /** What stands in the way of writes now, read when somebody asks. */
  observeObstacles(read: () => readonly Obstacle[]): void;
}
