export type { QueryAnswer, Sample } from "./answer.ts";
export { PrometheusClient, type PrometheusClientOptions } from "./client.ts";
export type { PrometheusServer } from "./credentials.ts";
export { PROMETHEUS_FAILURES, PrometheusError, type PrometheusFailure } from "./prometheus-error.ts";
export { quoted } from "./quoted.ts";
