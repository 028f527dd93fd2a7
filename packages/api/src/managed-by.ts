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

/**
 * Whom an object was rendered for: `ServiceFence/a`, in its own namespace. Where no owner reference
 * says so: in a folder, whose objects have no uid, and once Kubernetes has taken away the reference
 * to an owner that is gone. An annotation, since the name of an object may be longer than the value
 * of a label.
 */
export const OWNER_ANNOTATION = "fenceline.io/owner";
