import { DROP_REASONS } from "@fenceline/als";
import { RENDERED_KINDS } from "@fenceline/api";
import { collectedGauge } from "@fenceline/http-api/collected-metrics";
import { PROMETHEUS_FAILURES } from "@fenceline/prometheus";
import type { Obstacle } from "@fenceline/store";
import { HOST_LIMITS } from "@fenceline/wire";
import { Counter, Gauge, Histogram, Registry as MetricsRegistry } from "prom-client";
import type { ConditionCount } from "./condition-counts.ts";
import { FALLBACK_REFUSALS } from "./fallback/fallback-caller.ts";
import type { FenceCounts } from "./fence-counts.ts";
import { ENTRY_DROP_REASONS } from "./sources/access-logs/entry-drop-reason.ts";
import { SERIES_RESULTS } from "./sources/prometheus/learn-calls.ts";

/**
 * Every metric of the collector. Label sets are closed: the name of a host, fence or pod is never a
 * label, since anybody who can send a request could then fill the memory of the system that scrapes
 * us. `docs/metrics.md` lists the metrics.
 */
export class CollectorMetrics {
  readonly registry = new MetricsRegistry();
  readonly entries = this.#counter("fenceline_access_log_entries_total", "Access-log entries received.");
  readonly entriesDropped = this.#counter(
    "fenceline_access_log_entries_dropped_total",
    "Access-log entries that taught nothing, by reason.",
    ["reason"],
  );
  readonly fallbackRefused = this.#counter(
    "fenceline_fallback_calls_refused_total",
    "Calls to the collector that claimed to be the global sidecar and were refused, by reason.",
    ["reason"],
  );
  readonly streams = this.#gauge("fenceline_access_log_streams", "Access-log streams that are open.");
  readonly limits = this.#counter(
    "fenceline_access_log_limits_total",
    "Times that a limit of the access-log port was exceeded, by limit.",
    ["limit"],
  );
  readonly prometheusAnswers = this.#counter(
    "fenceline_prometheus_answers_total",
    "Answers of Prometheus' servers to queries, by result.",
    ["result"],
  );
  readonly prometheusAnswerTime = new Histogram({
    name: "fenceline_prometheus_answer_seconds",
    help: "Time until a server of Prometheus answered, or the query was cancelled.",
    buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30],
    registers: [this.registry],
  });
  readonly prometheusAnswered = this.#gauge(
    "fenceline_prometheus_calls_answered_timestamp_seconds",
    "When Prometheus last told the calls of all workloads; 0 when never.",
  );
  readonly prometheusSeries = this.#counter(
    "fenceline_prometheus_series_total",
    "Series of Prometheus' answers that count calls, by outcome.",
    ["result"],
  );
  readonly edgesLearned = this.#counter("fenceline_edges_learned_total", "Edges seen for the first time.");
  readonly edgesAged = this.#counter("fenceline_edges_aged_total", "Edges removed because nobody used them.");
  readonly reconciles = this.#counter("fenceline_reconciles_total", "Runs for objects of ours, by their kind and by result.", [
    "kind",
    "result",
  ]);
  readonly writes = this.#counter("fenceline_writes_total", "Objects written, by their kind and action.", ["kind", "action"]);
  readonly statusWrites = this.#counter("fenceline_status_writes_total", "Statuses written, by kind.", ["kind"]);
  readonly delayedWrites = this.#counter(
    "fenceline_writes_delayed_total",
    "Writes of rendered objects that waited for their budget, by the kind that they are for, counted at each try.",
    ["kind"],
  );
  readonly kindFaults = this.#counter(
    "fenceline_kind_faults_total",
    "Errors of ours in what decides which objects of a kind are looked at.",
    ["kind"],
  );
  readonly limiterValues = new Gauge({
    name: "fenceline_limiter_values",
    help: "Values of metrics that rules of SmartLimiters use, by whether there is one.",
    labelNames: ["state"],
    registers: [this.registry],
  });
  readonly sidecarPush = new Histogram({
    name: "fenceline_sidecar_push_seconds",
    help: "From the write of a Sidecar until the first direct call to a host that it shows was logged, where the host is called all the time.",
    buckets: [0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30],
    registers: [this.registry],
  });
  readonly learnToRender = new Histogram({
    name: "fenceline_learn_to_render_seconds",
    help: "From the arrival of the first report of an edge until its Sidecar was written.",
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
    registers: [this.registry],
  });

  constructor() {
    // Shown from the start, so that the first occurrence is an increase and not a new series.
    for (const limit of HOST_LIMITS) this.limits.inc({ limit }, 0);
    for (const reason of [...DROP_REASONS, ...ENTRY_DROP_REASONS]) this.entriesDropped.inc({ reason }, 0);
    for (const reason of FALLBACK_REFUSALS) this.fallbackRefused.inc({ reason }, 0);
    for (const result of ["ok", ...PROMETHEUS_FAILURES]) this.prometheusAnswers.inc({ result }, 0);
    for (const result of SERIES_RESULTS) this.prometheusSeries.inc({ result }, 0);
    for (const state of ["known", "missing"]) this.limiterValues.set({ state }, 0);
    for (const { name: kind } of RENDERED_KINDS) for (const action of ["create", "update", "delete"]) this.writes.inc({ kind, action }, 0);
  }

  /** A kind of ours runs: its counters are shown from the start, too. */
  showKind(kind: string): void {
    for (const result of ["changed", "unchanged", "obstructed", "error"]) this.reconciles.inc({ kind, result }, 0);
    for (const counter of [this.statusWrites, this.delayedWrites, this.kindFaults]) counter.inc({ kind }, 0);
  }

  /** Fences by mode, and by what their conditions say. */
  observeFences(read: () => FenceCounts): void {
    collectedGauge(this.registry, {
      name: "fenceline_fences_by_mode",
      help: "Fences that exist, by their mode.",
      labelNames: ["mode"],
      read: () => [...read().modes].map(([mode, count]) => [{ mode }, count]),
    });
    collectedGauge(this.registry, {
      name: "fenceline_fences_by_condition",
      help: "Fences by what a condition of their status says.",
      labelNames: ["condition", "status"],
      read: () => read().conditions.map(({ count, ...labels }) => [labels, count]),
    });
  }

  /** SmartLimiters by what their conditions say. */
  observeLimiters(read: () => readonly ConditionCount[]): void {
    collectedGauge(this.registry, {
      name: "fenceline_limiters_by_condition",
      help: "SmartLimiters by what a condition of their status says.",
      labelNames: ["condition", "status"],
      read: () => read().map(({ count, ...labels }) => [labels, count]),
    });
  }

  /** Numbers that are read on each scrape, and not kept. */
  observe(read: {
    readonly edges: () => number;
    readonly switchOverPause: () => number;
    readonly accessLogs: () => { readonly connections: number; readonly heldBytes: number } | undefined;
    readonly fences: () => number;
    readonly fencesAtCapacity: () => number;
    readonly fallbackPorts: () => { readonly declared: number; readonly missing: number };
  }): void {
    this.#reading("fenceline_edges", "Edges in the book.", read.edges);
    this.#reading(
      "fenceline_switch_over_pause_seconds",
      "Time between the two steps of a Sidecar's switch-over, now.",
      read.switchOverPause,
    );
    const ofAccessLogs = (name: "connections" | "heldBytes") => read.accessLogs()?.[name] ?? 0;
    this.#reading("fenceline_access_log_connections", "Connections to the access-log port.", () => ofAccessLogs("connections"));
    this.#reading("fenceline_access_log_held_bytes", "Bytes held for unfinished messages and identifiers.", () =>
      ofAccessLogs("heldBytes"),
    );
    this.#reading("fenceline_fences", "Fences that exist.", read.fences);
    this.#reading("fenceline_fences_at_capacity", "Fences without room for a new host.", read.fencesAtCapacity);
    this.#reading("fenceline_fallback_ports", "Ports of the fallback's Service.", () => read.fallbackPorts().declared);
    this.#reading(
      "fenceline_fallback_ports_missing",
      "Ports that services declare as HTTP and that the fallback's Service lacks.",
      () => read.fallbackPorts().missing,
    );
  }

  /** How many writes may be under way at a time, of any kind. */
  observeInFlight(read: () => number): void {
    this.#reading("fenceline_writes_in_flight_limit", "Writes of rendered objects that may be under way at a time.", read);
  }

  /** Obstacles of each kind and reason, read on each scrape. */
  observeObstacles(read: () => readonly Obstacle[]): void {
    collectedGauge(this.registry, {
      name: "fenceline_obstacles",
      help: "Writes that are blocked now.",
      labelNames: ["kind", "reason"],
      read: () => read().map(({ kind, reason }) => [{ kind, reason }, 1]),
    });
  }

  #counter<L extends string = never>(name: string, help: string, labelNames: readonly L[] = []): Counter<L> {
    return new Counter({ name, help, labelNames: [...labelNames], registers: [this.registry] });
  }

  #gauge(name: string, help: string): Gauge {
    return new Gauge({ name, help, registers: [this.registry] });
  }

  #reading(name: string, help: string, read: () => number): void {
    collectedGauge(this.registry, { name, help, read });
  }
}
