/** Why an access-log entry taught nothing. A closed set: it labels a metric. */
export const ENTRY_DROP_REASONS = [
  /** The sender of the entry belongs to no fence. */
  "unknown_source",
  /** The sender has no certificate, and `telemetry.acceptPlaintext` is false. */
  "no_certificate",
  /**
   * The certificate of the sender names another namespace than the source it claims, or no workload
   * of this mesh.
   */
  "identity_mismatch",
  /** The destination is no service of the mesh. */
  "unknown_destination",
  /** The call was to the global sidecar itself. */
  "fallback_itself",
  /**
   * A new edge whose first answer, to the workload itself, was 403: a workload need not see what it
   * may not call.
   */
  "denied",
  /** A new host for a fence that has as many hosts as it may, all seen within their window. */
  "at_capacity",
  /** A new host for a fence that the default Sidecar of its pods hides. */
  "hidden",
  /** A new host for a fence to which AuthorizationPolicies refuse all its calls. */
  "denied_by_policy",
] as const;

export type EntryDropReason = (typeof ENTRY_DROP_REASONS)[number];
