/**
 * What the benchmark's global sidecar shows to its collector. In a cluster it is a token of its
 * service account.
 */
export const FALLBACK_TOKEN = "benchmark";
