/**
 * The token of the benchmark's global sidecar for its collector. In a cluster it is a token of its
 * service account.
 */
export const FALLBACK_TOKEN = "benchmark";
