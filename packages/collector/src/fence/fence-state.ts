import type { FenceKey, ServiceFence, ServiceFenceStatus } from "@fenceline/api";
import type { FenceEdges } from "@fenceline/edges";
import type { Reads } from "@fenceline/registry";

/** What the controller keeps of a fence between two runs. */
export interface FenceState {
  readonly key: FenceKey;
  edges: FenceEdges;
  /** What was read of the registry for the fence's windows and declared hosts. */
  opened: Reads;
  status: ServiceFenceStatus;
  /**
   * The status of the last snapshot: what other replicas wrote is told by how the next one differs.
   */
  seen: ServiceFenceStatus;
  /** It was told that newcomers are turned away. */
  isTurningAway: boolean;
  /** Why nothing is rendered for it, as far as it was logged. */
  toldRefusal: string | undefined;
  /** What was last logged of the spec's durations. */
  toldRemarks: string;
  statusWrittenAt: number;
  /**
   * When what it asks for was last worked out, by the wall clock: a deadline before it is dealt
   * with.
   */
  lookedAt: number;
  /** When the oldest report came that is not rendered yet. */
  learnedAt: number | undefined;
}

/** The state of a fence that the controller has not seen before. */
export function newState(key: FenceKey, edges: FenceEdges, opened: Reads, { status }: ServiceFence, now: number): FenceState {
  return {
    key,
    edges,
    opened,
    status,
    seen: status,
    toldRemarks: "",
    isTurningAway: false,
    toldRefusal: undefined,
    statusWrittenAt: now,
    lookedAt: now,
    learnedAt: undefined,
  };
}
