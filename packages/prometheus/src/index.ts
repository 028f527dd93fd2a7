export type { QueryAnswer, Sample } from "./answer.ts";
export { PrometheusClient } from "./client.ts";
export { PROMETHEUS_FAILURES, PrometheusError } from "./prometheus-error.ts";
export { quoted } from "./quoted.ts";
