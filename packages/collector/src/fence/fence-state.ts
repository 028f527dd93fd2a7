import type { FenceKey, ServiceFence, ServiceFenceStatus } from "@fenceline/api";
import type { FenceEdges } from "@fenceline/edges";
import type { Reads } from "@fenceline/registry";
import { ParkedHosts } from "@fenceline/render/fence";

/** What the controller keeps of a fence between two runs. */
export interface FenceState {
  readonly key: FenceKey;
  /** Tells a fence from another one with its name; undefined for one from a file. */
  readonly uid: string | undefined;
  edges: FenceEdges;
  /** What the fence's windows and declared hosts read of the registry. */
  opened: Reads;
  status: ServiceFenceStatus;
  /** The status of the last snapshot. The next one shows by its differences what others wrote. */
  seen: ServiceFenceStatus;
  /**
   * Somebody has overwritten the status of this replica, which leads. It is written again, since
   * nothing else may cause a write.
   */
  isContradicted: boolean;
  /** Whether it was logged that there is no room for new hosts. */
  isTurningAway: boolean;
  /** What was last logged about the spec's durations. */
  toldRemarks: string;
  /** Milliseconds of a clock that never goes back. */
  statusWrittenAt: number;
  /** The part of its usual size that the status may have: less where the API server refused it. */
  statusPart: number;
  /** Since when hosts of its Sidecar are parked. */
  readonly parked: ParkedHosts;
  /** Until when the workload was observed, according to the status that was written last. */
  writtenUntil: number | undefined;
  /** When the desired state was last computed, by the wall clock. Earlier deadlines are done. */
  lookedAt: number;
  /** Whether it gave way to another fence when it was last looked at. */
  givesWay: boolean;
  /** When the oldest report came that is not rendered yet. */
  learnedAt: number | undefined;
}

/** The state of a fence that the controller has not seen before. */
export function newState(key: FenceKey, edges: FenceEdges, opened: Reads, { status, metadata }: ServiceFence, now: number): FenceState {
  return {
    key,
    uid: metadata.uid,
    edges,
    opened,
    status,
    seen: status,
    isContradicted: false,
    toldRemarks: "",
    isTurningAway: false,
    statusPart: 1,
    parked: new ParkedHosts(),
    statusWrittenAt: performance.now(),
    writtenUntil: edges.observedUntil,
    lookedAt: now,
    givesWay: false,
    learnedAt: undefined,
  };
}
