import type { ObjectKey } from "../client/resource.ts";

/** The fields of a Lease that an election needs. */
export interface LeaseView {
  /** Empty when it was released. */
  readonly holder: string;
  /** Seconds. */
  readonly durationSeconds: number;
  /** When the holder got it, as a text for people only. */
  readonly acquireTime: string | undefined;
  /** How often its holder changed. */
  readonly transitions: number;
  readonly resourceVersion: string;
}

/** Reads a Lease of the API server. If fields are missing, it counts as released long ago. */
export function readLease(value: unknown): LeaseView {
  const { metadata = {}, spec = {} } = (value ?? {}) as {
    metadata?: { resourceVersion?: string };
    spec?: { holderIdentity?: string; leaseDurationSeconds?: unknown; acquireTime?: string; leaseTransitions?: number };
  };
  return {
    holder: spec.holderIdentity ?? "",
    durationSeconds: typeof spec.leaseDurationSeconds === "number" ? spec.leaseDurationSeconds : 0,
    acquireTime: spec.acquireTime,
    transitions: spec.leaseTransitions ?? 0,
    resourceVersion: metadata.resourceVersion ?? "",
  };
}

/** What to write into a Lease. */
export interface LeaseClaim {
  readonly key: ObjectKey;
  readonly identity: string;
  readonly durationSeconds: number;
  /** The current Lease; undefined when there is none. */
  readonly current: LeaseView | undefined;
  /** Wall clock, for people. No decision depends on it: clocks of machines differ. */
  readonly date: Date;
}

/**
 * The Lease with us as its holder. Its resource version makes the write fail when somebody was
 * faster.
 */
export function claimedLease({ key, identity, durationSeconds, current, date }: LeaseClaim): unknown {
  const isOurs = current?.holder === identity;
  return {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: { ...key, ...(current !== undefined && { resourceVersion: current.resourceVersion }) },
    spec: {
      holderIdentity: identity,
      leaseDurationSeconds: durationSeconds,
      acquireTime: isOurs ? (current.acquireTime ?? microTime(date)) : microTime(date),
      renewTime: microTime(date),
      leaseTransitions: (current?.transitions ?? 0) + (isOurs || current === undefined ? 0 : 1),
    },
  };
}

/** The Lease as a holder releases it: free at once, since its duration is a second. */
export function releasedLease({
  key,
  current,
  date,
}: Omit<LeaseClaim, "identity" | "durationSeconds" | "current"> & { current: LeaseView }): unknown {
  const lease = claimedLease({ key, identity: "", durationSeconds: 1, current: { ...current, holder: "" }, date }) as { spec: object };
  return { ...lease, spec: { ...lease.spec, leaseTransitions: current.transitions } };
}

/** Kubernetes' MicroTime needs six digits after the second. */
function microTime(date: Date): string {
  return date.toISOString().replace("Z", "000Z");
}
