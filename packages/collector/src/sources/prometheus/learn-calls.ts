import { type FenceKey, formatFenceKey } from "@fenceline/api";
import type { SightingOutcome, SightingSink } from "@fenceline/edges";
import type { Mesh } from "../../mesh.ts";
import { fencesOfWorkload } from "./fences-of-workload.ts";
import { destinationOfService, type MetricDestination } from "./metric-destination.ts";
import type { HostCalls, WorkloadCalls } from "./read-edges.ts";

/** The results for the calls of a series; docs/prometheus.md explains each. */
export const SERIES_RESULTS = [
  "seen",
  "unbelieved",
  "unknown_source",
  "unknown_destination",
  "denied",
  "at_capacity",
  "hidden",
  "denied_by_policy",
] as const;
export type SeriesResult = (typeof SERIES_RESULTS)[number];

/** How an answer is used. */
export interface Taking {
  readonly sink: SightingSink;
  readonly mesh: Mesh;
  /** Milliseconds of the wall clock. */
  readonly now: number;
  /** Share of the calls that was not counted yet: the ranges of two queries overlap. */
  readonly share: number;
  /** Whether the workloads were observed: the answer has all their calls. */
  readonly observes: boolean;
  /** Which fences are told. Default: all. */
  readonly only?: (fence: FenceKey) => boolean;
  /** Whether calls of a fence are counted here, and not from another source. */
  readonly counts: (fence: FenceKey) => boolean;
}

/** A fence that learns, and what the answer has for its workloads. */
interface Hearer {
  readonly fence: FenceKey;
  readonly workloads: WorkloadCalls[];
}

/**
 * Tells the fences of the calls in an answer. A fence with several workloads was observed until the
 * earliest of their scrapes: what the others call later is not known yet.
 *
 * @returns the results
 */
export function learnCalls(workloads: readonly WorkloadCalls[], taking: Taking): ReadonlyMap<SeriesResult, number> {
  const results = new Map<SeriesResult, number>();
  const count = (result: SeriesResult, series = 1) => results.set(result, (results.get(result) ?? 0) + series);
  for (const { fence, workloads: its } of hearersOf(workloads, taking, count)) {
    const scrapes = its.flatMap(({ scrapedUntil }) => scrapedUntil ?? []);
    if (taking.observes && scrapes.length > 0) taking.sink.observed(fence, Math.min(...scrapes), taking.now);
    for (const { scrapedUntil = taking.now, calls } of its)
      for (const call of calls) count(told(fence, call, Math.min(scrapedUntil, taking.now), taking));
  }
  return results;
}

function hearersOf(
  workloads: readonly WorkloadCalls[],
  { sink, mesh, only }: Taking,
  count: (result: SeriesResult, series: number) => void,
): Iterable<Hearer> {
  const hearers = new Map<string, Hearer>();
  for (const calls of workloads) {
    if (!calls.isBelieved) {
      if (only === undefined) count("unbelieved", calls.calls.length);
      continue;
    }
    const fences = fencesOfWorkload(calls.workload, mesh).filter((fence) => sink.learns(fence));
    if (fences.length === 0 && only === undefined) count("unknown_source", calls.calls.length);
    for (const fence of fences) {
      if (only?.(fence) === false) continue;
      const hearer = hearers.get(formatFenceKey(fence)) ?? { fence, workloads: [] };
      hearers.set(formatFenceKey(fence), hearer);
      hearer.workloads.push(calls);
    }
  }
  return hearers.values();
}

function told(fence: FenceKey, { host, count, isDenied }: HostCalls, at: number, taking: Taking): SeriesResult {
  const destination = destinationOfService(host, taking.mesh);
  if (destination === undefined) return "unknown_destination";
  const requests = taking.counts(fence) ? Math.max(1, Math.round(count * taking.share)) : 0;
  return resultOf(taking.sink.sighted({ fence, ...destination, requests, at, denied: isDenied }));
}

/** Tells a fence of a host from a query for that fence alone, which has no number of calls. */
export function learnHost(fence: FenceKey, destination: MetricDestination, sink: SightingSink, at: number): SeriesResult {
  return resultOf(sink.sighted({ fence, ...destination, requests: 0, at }));
}

function resultOf(outcome: SightingOutcome): SeriesResult {
  switch (outcome) {
    case "unknown_fence":
      return "unknown_source";
    case "not_kept":
      return "unknown_destination";
    default:
      return outcome;
  }
}
