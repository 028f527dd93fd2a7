export { type Answering, type AnsweringServer, numberAnswer, startAnswering } from "./answering-server.ts";
export { Exporter } from "./exporter.ts";
export { PROMETHEUS_MISSING, type RunningPrometheus, startPrometheus } from "./prometheus.ts";
