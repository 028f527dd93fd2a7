/**
 * Label on everything that Fenceline renders, for people, for clean-up, and to tell it from what
 * others made.
 */
export const MANAGED_BY_LABEL = "app.kubernetes.io/managed-by";

/** Value of {@link MANAGED_BY_LABEL}, and the field manager of every write. */
export const MANAGER = "fenceline";

/**
 * When a replica that does not lead last added hosts to a Sidecar, as an ISO time. It tells the
 * leader such an addition from one by hand: its status may come later than its Sidecar. The next
 * apply of the leader takes it away.
 */
export const WIDENED_AT_ANNOTATION = "fenceline.io/widened-at";
