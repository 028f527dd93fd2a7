/** Why an access-log entry taught nothing. A closed set: it labels a metric. */
export const ENTRY_DROP_REASONS = [
  /** The writer of the entry belongs to no fence. */
  "unknown_source",
  /** The writer has no certificate, and `telemetry.acceptPlaintext` is false. */
  "no_certificate",
  /**
   * The certificate of the writer names another namespace than the source it claims, or no workload
   * of this mesh.
   */
  "identity_mismatch",
  /** The destination is no service of the mesh. */
  "unknown_destination",
  /** The call was to the global sidecar itself. */
  "fallback_itself",
  /**
   * A new edge whose first answer, to the workload itself, was 403: nobody needs to see what it may
   * not call.
   */
  "denied",
  /**
   * A host that is new to a fence whose hosts were all seen within their window, and are as many as
   * it may have.
   */
  "at_capacity",
  /** A host that is new to a fence, and that the default Sidecar of its pods hides. */
  "hidden",
  /** A host that is new to a fence, and that AuthorizationPolicies let none of its calls reach. */
  "denied_by_policy",
] as const;

export type EntryDropReason = (typeof ENTRY_DROP_REASONS)[number];
