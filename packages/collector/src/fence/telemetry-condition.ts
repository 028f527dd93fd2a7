import type { FenceCondition, Judgement } from "@fenceline/api";
import type { StreamsSeen } from "../sources/access-logs/fence-streams.ts";

/** The input of {@link telemetryCondition}. */
export interface TelemetrySeen {
  /** When calls of the workload were last observed, by any replica; undefined for never. */
  readonly observedUntil: number | undefined;
  /** Streams of its proxies to this replica. Default: there never was one. */
  readonly streams?: StreamsSeen | undefined;
  /** The fence's idle window, in milliseconds. */
  readonly idleWindow: number;
  readonly now: number;
}

/** A workload is quiet after so many milliseconds without a call, at most. */
const LONGEST_UNTIL_QUIET = 600_000;
const SHORTEST_UNTIL_QUIET = 1_000;
/** Another replica writes what it observed so many times in a window. */
const PARTS = 10;

type Telemetry = Judgement<FenceCondition["type"]>;

/**
 * Whether telemetry of a workload arrives. While streams are open it does, even without calls.
 *
 * A workload becomes quiet so late that this causes no more status writes than its times do.
 */
export function telemetryCondition({ observedUntil, streams = { isOpen: false, lostAt: undefined }, ...seen }: TelemetrySeen): Telemetry {
  const { idleWindow, now } = seen;
  const { isOpen, lostAt } = streams;
  const pause = Math.max(SHORTEST_UNTIL_QUIET, idleWindow / PARTS);
  const since = observedUntil === undefined ? Number.POSITIVE_INFINITY : now - observedUntil;
  if (isOpen) return since < Math.min(pause, LONGEST_UNTIL_QUIET) ? arrive() : quiet(observedUntil);
  if (lostAt !== undefined && (observedUntil ?? 0) <= lostAt) return lost(lostAt);
  if (observedUntil === undefined) return nothingYet();
  return since < 2 * pause + SHORTEST_UNTIL_QUIET
    ? arrive("calls of this workload are observed by another replica, or by Prometheus")
    : elsewhere(observedUntil);
}

/** Whether the leader knows of no stream: another replica may have one. */
export function missesTelemetry(conditions: readonly FenceCondition[] = []): boolean {
  return conditions.some(({ type, reason }) => type === "TelemetryFlowing" && (reason === "NothingYet" || reason === "StreamsLost"));
}

/** For a fence whose proxies are not asked for access logs: it is normal that none arrive. */
export function telemetryNotAsked(why: string): Telemetry {
  const message = `no proxy is asked for access logs of this fence: ${why}`;
  return { type: "TelemetryFlowing", status: "Unknown", reason: "NotAsked", message };
}

function arrive(message = "access logs of this workload's proxies arrive"): Telemetry {
  return { type: "TelemetryFlowing", status: "True", reason: "AccessLogsArrive", message };
}

function quiet(observedUntil: number | undefined): Telemetry {
  const last = observedUntil === undefined ? "no call was logged yet" : `the last call was logged at ${timeText(observedUntil)}`;
  const message = `access-log streams of this workload's proxies are open, and ${last}`;
  return { type: "TelemetryFlowing", status: "True", reason: "Quiet", message };
}

function lost(lostAt: number): Telemetry {
  const message = `no access-log stream of this workload's proxies is open at this replica since ${timeText(lostAt)}, and no other has told of a call since: nothing ages until one does; a proxy opens one with its next call`;
  return { type: "TelemetryFlowing", status: "False", reason: "StreamsLost", message };
}

function nothingYet(): Telemetry {
  const message = "no access log of this workload's proxies since the collector started, here or at another replica";
  return { type: "TelemetryFlowing", status: "Unknown", reason: "NothingYet", message };
}

function elsewhere(observedUntil: number): Telemetry {
  const message = `calls were last observed at ${timeText(observedUntil)}, by another replica or source: the workload is quiet, or its telemetry is lost`;
  return { type: "TelemetryFlowing", status: "Unknown", reason: "SeenElsewhere", message };
}

function timeText(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
