export { PoolMetrics } from "../workers/pool-metrics.ts";
