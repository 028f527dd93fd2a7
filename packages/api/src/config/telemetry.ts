import { z } from "zod";
import { durationBetween } from "../duration-field.ts";
import { PrometheusTelemetry } from "./prometheus.ts";

export const Telemetry = z.strictObject({
  sampling: z
    .number()
    .gt(0)
    .max(100)
    .default(100)
    .describe(
      "Percentage of requests that Envoy logs, above 0 and up to 100. At 100 an Envoy loses 4 to 8 % of its throughput, at 10 nothing measurable; an edge called n times in a window is missed with probability (1 - p)^n.",
    ),
  acceptPlaintext: z
    .boolean()
    .default(false)
    .describe(
      "Whether access logs and calls without a client certificate are trusted. Any pod that reaches the collector or the global sidecar may then speak for any workload. For meshes without mTLS only.",
    ),
  flushInterval: durationBetween("10ms", "10m")
    .default("1s")
    .describe(
      "Longest time that Envoy keeps an access-log entry before it sends it, from 10ms to 10m. Envoy refuses 0, and each flush is a message of every Envoy; what is sent late is learned late.",
    ),
  prometheus: PrometheusTelemetry.prefault({}).describe(
    "Prometheus as a second source: Istio's metrics seed new fences, and keep called hosts in fences (docs/prometheus.md).",
  ),
});
