import type { ParkedHosts } from "@fenceline/render/fence";

/** The input for the steps of a fence's Sidecar. */
export interface StepsSeen {
  /** Since when parked hosts have been parked. */
  readonly parked: Pick<ParkedHosts, "dueAt" | "hasCluster" | "revealedAt" | "unchangedSince">;
  /** Whether a host, in a Sidecar's notation, is a Service with HTTP ports only. */
  readonly isHttp: (egress: string) => boolean;
  /** Milliseconds that istiod and the Envoys need to apply a step. */
  readonly pause: number;
  /** Milliseconds of a clock that never goes back. */
  readonly clock: number;
  /** What the workload sees without a Sidecar of ours. Default: everything. */
  readonly unfenced?: readonly string[];
  /** Services whose clusters the EnvoyFilter names, in a Sidecar's notation. Default: none. */
  readonly named?: readonly string[];
}
