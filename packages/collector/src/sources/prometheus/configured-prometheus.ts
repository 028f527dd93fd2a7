import { type Config, durationMs } from "@fenceline/api";
import type { TelemetrySource } from "@fenceline/edges";
import { PrometheusClient } from "@fenceline/prometheus";
import type { FenceTelemetry } from "../../fence-telemetry.ts";
import type { SampleSource } from "../../kind-context.ts";
import { PrometheusSource, type PrometheusSourceOptions } from "./prometheus-source.ts";

/** Prometheus as configured: a source of sightings, and of numbers. */
export interface ConfiguredPrometheus {
  /** None where no server is configured. */
  readonly sources: readonly TelemetrySource[];
  readonly samples: SampleSource | undefined;
  close(): Promise<void>;
}

/** What {@link configuredPrometheus} is made from. */
export interface PrometheusContext extends Omit<PrometheusSourceOptions, "client" | "config" | "isCounted"> {
  readonly config: Config;
  /** Access logs count the calls of a fence while its proxies send any. */
  readonly telemetry: Pick<FenceTelemetry, "streams">;
}

/** One client for all queries. */
export function configuredPrometheus({ config: { telemetry }, ...context }: PrometheusContext): ConfiguredPrometheus {
  const config = telemetry.prometheus;
  const { servers, timeout, maxResponseBytes, maxConcurrent } = config;
  if (servers.length === 0) return { sources: [], samples: undefined, close: async () => {} };
  const client = new PrometheusClient({
    ...{ servers, timeout: durationMs(timeout), maxBytes: maxResponseBytes, maxConcurrent },
    onAnswer: (result, took) => {
      context.metrics.prometheusAnswers.inc({ result });
      context.metrics.prometheusAnswerTime.observe(took / 1_000);
    },
  });
  return {
    sources: [new PrometheusSource({ ...context, client, config, isCounted: (fence) => context.telemetry.streams.of(fence).isOpen })],
    samples: { query: (text, signal) => client.number(text, signal) },
    close: () => client.close(),
  };
}
