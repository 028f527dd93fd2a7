import type { FenceKey, ServiceFence, ServiceFenceStatus } from "@fenceline/api";
import type { FenceEdges } from "@fenceline/edges";
import type { Reads } from "@fenceline/registry";
import { ParkedHosts } from "@fenceline/render/fence";

/** What the controller keeps of a fence between two runs. */
export interface FenceState {
  readonly key: FenceKey;
  /** Tells a fence from another one that is made by its name; undefined for one from a file. */
  readonly uid: string | undefined;
  edges: FenceEdges;
  /** What was read of the registry for the fence's windows and declared hosts. */
  opened: Reads;
  status: ServiceFenceStatus;
  /**
   * The status of the last snapshot: what other replicas wrote is told by how the next one differs.
   */
  seen: ServiceFenceStatus;
  /**
   * Somebody has written another status than this leader's, which is then written again: nothing
   * else might ever have it written.
   */
  isContradicted: boolean;
  /** It was told that newcomers are turned away. */
  isTurningAway: boolean;
  /** What was last logged of the spec's durations. */
  toldRemarks: string;
  /** By a clock that never goes back. */
  statusWrittenAt: number;
  /** Part of its usual size that the status may have: less where the API server refused that. */
  statusPart: number;
  /** Since when hosts of its Sidecar are parked. */
  readonly parked: ParkedHosts;
  /** Until when the workload was observed, as the status that was written last says. */
  writtenUntil: number | undefined;
  /**
   * When what it asks for was last worked out, by the wall clock: a deadline before it is dealt
   * with.
   */
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
