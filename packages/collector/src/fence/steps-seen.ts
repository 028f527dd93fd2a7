import type { ParkedHosts } from "@fenceline/render/fence";

/** What the steps of a fence's Sidecar are worked out from. */
export interface StepsSeen {
  /** Since when what is parked is. */
  readonly parked: Pick<ParkedHosts, "dueAt" | "hasCluster" | "revealedAt" | "unchangedSince">;
  /** Whether a host, as the Sidecar names it, is a Service all of whose ports are HTTP. */
  readonly isHttp: (egress: string) => boolean;
  /** Milliseconds that istiod and the Envoys need to take in a step. */
  readonly pause: number;
  /** Milliseconds of a clock that never goes back. */
  readonly clock: number;
  /** What the workload sees without a Sidecar of ours. Default: everything. */
  readonly unfenced?: readonly string[];
  /** Services whose clusters the EnvoyFilter names, as a Sidecar names them. Default: none. */
  readonly named?: readonly string[];
}
