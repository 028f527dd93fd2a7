import type { PauseLimits } from "@fenceline/api/vocabulary";

/** Pauses before the collector is called again. */
export const RECONNECT: PauseLimits = { first: 100, longest: 5_000 };
