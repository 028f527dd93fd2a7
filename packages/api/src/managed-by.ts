/**
 * Label on everything that Fenceline renders, for people, for clean-up, and to tell it from what
 * others made.
 */
export const MANAGED_BY_LABEL = "app.kubernetes.io/managed-by";

/** Value of {@link MANAGED_BY_LABEL}, and the field manager of every write. */
export const MANAGER = "fenceline";
