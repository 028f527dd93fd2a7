import type { Sample } from "@fenceline/prometheus";
import { ANSWER_LABEL } from "./edges-query.ts";

/** A workload, as the metrics of its proxies name it. Unknown parts are empty. */
export interface Workload {
  readonly namespace: string;
  readonly name: string;
  /** The pods' label `app`. */
  readonly app: string;
  /** The pods' label `version`. */
  readonly version: string;
  readonly canonicalService: string;
}

/** Calls of a workload to one host. */
export interface HostCalls {
  /** In Istio's notation. */
  readonly host: string;
  readonly count: number;
  /** Whether they were answered with 403. */
  readonly isDenied: boolean;
}

/** What an answer has for one workload. */
export interface WorkloadCalls {
  readonly workload: Workload;
  /** Whether pods of the workload's own namespace reported it, as far as the scrape tells. */
  readonly isBelieved: boolean;
  /**
   * Until when its calls are known, in milliseconds: the last scrape of each of its pods was not
   * before. Undefined where none of them is scraped now.
   */
  readonly scrapedUntil: number | undefined;
  readonly calls: readonly HostCalls[];
}

interface Known {
  readonly workload: Workload;
  readonly isBelieved: boolean;
  scrapedUntil: number | undefined;
  readonly calls: HostCalls[];
}

/**
 * The series of an answer by workload. Series without a number or a workload are left out.
 *
 * @param namespaceLabel label with the namespace of the pod from which a series was scraped. Where
 * it is given, a pod is not believed about workloads of other namespaces
 */
export function readEdges(samples: readonly Sample[], namespaceLabel?: string): readonly WorkloadCalls[] {
  const workloads = new Map<string, Known>();
  for (const { labels, value } of samples) {
    const workload = workloadOf(labels);
    if (workload === undefined || !Number.isFinite(value)) continue;
    const isBelieved = namespaceLabel === undefined || labels[namespaceLabel] === workload.namespace;
    const key = JSON.stringify([isBelieved, ...Object.values(workload)]);
    const known = workloads.get(key) ?? { workload, isBelieved, scrapedUntil: undefined, calls: [] };
    workloads.set(key, known);
    take(known, labels, value);
  }
  return [...workloads.values()];
}

function take(known: Known, labels: Sample["labels"], value: number): void {
  const host = textOf(labels, "destination_service");
  switch (labels[ANSWER_LABEL]) {
    case "http":
    case "tcp":
      known.calls.push({ host, count: value, isDenied: false });
      return;
    case "denied":
      known.calls.push({ host, count: value, isDenied: true });
      return;
    case "scraped_http":
    case "scraped_tcp":
      known.scrapedUntil = Math.min(known.scrapedUntil ?? Number.POSITIVE_INFINITY, value * 1_000);
  }
}

function workloadOf(labels: Sample["labels"]): Workload | undefined {
  const workload = {
    namespace: textOf(labels, "source_workload_namespace"),
    name: textOf(labels, "source_workload"),
    app: textOf(labels, "source_app"),
    version: textOf(labels, "source_version"),
    canonicalService: textOf(labels, "source_canonical_service"),
  };
  return workload.namespace === "" ? undefined : workload;
}

/** Istio writes `unknown` where a value is not known. */
function textOf(labels: Sample["labels"], name: string): string {
  const value = labels[name] ?? "";
  return value === "unknown" ? "" : value;
}
