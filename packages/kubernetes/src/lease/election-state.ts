import type { LeaseView } from "./lease-object.ts";

/** The three times of an election, in milliseconds. */
export interface LeaseTimes {
  /**
   * How long other candidates wait before they take over a Lease that is not renewed. Default 15
   * 000.
   */
  readonly leaseDuration: number;
  /**
   * How long a leader goes on after its last renewal. It must be well below `leaseDuration`.
   * Default 10 000.
   */
  readonly renewDeadline: number;
  /** Pause between two tries. Default 2 000. */
  readonly retryPeriod: number;
}

/** The defaults of Kubernetes' own components. */
export const LEASE_TIMES: LeaseTimes = { leaseDuration: 15_000, renewDeadline: 10_000, retryPeriod: 2_000 };

/**
 * Longest time, in milliseconds, before a Lease that is not renewed is taken over, whatever its
 * duration. Ours have 15 s. With 1e9 s, which no candidate of ours writes, nobody would lead for 31
 * years.
 */
export const LONGEST_LEASE = 60_000;

/**
 * What one candidate knows, in its own monotonic time. Wall clocks are not used: those of two
 * machines may differ by any amount.
 */
export interface ElectionState {
  /** The Lease as last seen; undefined when there is none. */
  readonly lease: LeaseView | undefined;
  /** When that version of the Lease was first seen. */
  readonly seenAt: number;
  /** Until when we may write; undefined when we do not lead. */
  readonly leadsUntil: number | undefined;
}

export const INITIAL_STATE: ElectionState = { lease: undefined, seenAt: Number.NEGATIVE_INFINITY, leadsUntil: undefined };

/**
 * Takes over a Lease that was read. If it did not change, it keeps the time at which it was first
 * seen.
 */
export function observed(state: ElectionState, lease: LeaseView | undefined, now: number): ElectionState {
  const isSame = lease !== undefined && lease.resourceVersion === state.lease?.resourceVersion;
  return { ...state, lease, seenAt: isSame ? state.seenAt : now };
}

/**
 * We have written ourselves into the Lease.
 *
 * Our time counts from before the request was sent. The time of others counts from when they see
 * the write, which is later. So our time ends first, by at least the difference between
 * `leaseDuration` and `renewDeadline`, however slow the server was.
 */
export function renewed(lease: LeaseView, sentAt: number, { renewDeadline }: LeaseTimes): ElectionState {
  return { lease, seenAt: sentAt, leadsUntil: sentAt + renewDeadline };
}

/** We no longer lead. */
export function deposed(state: ElectionState): ElectionState {
  return { ...state, leadsUntil: undefined };
}

/**
 * Whether we may write now. False as soon as the time is over, even if the process was stopped
 * meanwhile and no timer ran.
 */
export function mayWrite({ leadsUntil }: ElectionState, now: number): boolean {
  return leadsUntil !== undefined && now < leadsUntil;
}

/**
 * Whether to write ourselves into the Lease: it is ours, or free, or was not renewed for its
 * duration, {@link LONGEST_LEASE} at most.
 */
export function mayClaim({ lease, seenAt }: ElectionState, identity: string, now: number): boolean {
  if (lease === undefined || lease.holder === "" || lease.holder === identity) return true;
  return now - seenAt >= Math.min(lease.durationSeconds * 1_000, LONGEST_LEASE);
}
