import { quoted } from "@fenceline/prometheus";

/** Which calls a query asks for. */
export interface EdgesQuery {
  /** How far back, in milliseconds. */
  readonly range: number;
  /** Labels that tell the metrics of this mesh from those of others. Default: none. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Label with the namespace of the pod that was scraped. Default: there is none. */
  readonly namespaceLabel?: string | undefined;
  /** Namespaces of callers. Default: all. */
  readonly namespaces?: readonly string[];
}

/** Labels that tell whose calls a series counts. */
const CALLER = ["source_workload", "source_workload_namespace", "source_app", "source_version", "source_canonical_service"];

/** Label that tells which kind of answer a series is. */
export const ANSWER_LABEL = "fenceline_answer";

/**
 * - `http`, `tcp`: calls of a workload to a host
 * - `denied`: calls that were answered with 403
 * - `scraped_http`, `scraped_tcp`: when the metrics of a workload's pods were last scraped, in
 *   seconds; the earliest time of its pods
 */
type AnswerKind = "http" | "denied" | "tcp" | "scraped_http" | "scraped_tcp";

/**
 * The calls of all workloads, in one query. Only the callers' own proxies count
 * (`reporter="source"`): they see every call, even to a destination without a proxy.
 *
 * For a call to an unknown destination (`PassthroughCluster`), `destination_service` is the Host
 * header from the caller. The query leaves such series out, since otherwise anybody could make the
 * answer arbitrarily long.
 *
 * @see https://istio.io/latest/docs/reference/config/metrics/
 */
export function edgesQuery({ range, labels = {}, namespaceLabel, namespaces }: EdgesQuery): string {
  const caller = namespaceLabel === undefined ? CALLER : [...CALLER, namespaceLabel];
  const edge = [...caller, "destination_service"];
  const own = Object.entries(labels).map(([name, value]) => `${name}=${quoted(value)}`);
  const of = namespaces === undefined ? [] : [`source_workload_namespace=~${quoted(namespaces.map(escaped).join("|"))}`];
  const callers = ['reporter="source"', ...own, ...of];
  const edges = [...callers, 'destination_service!~"|unknown"', 'destination_service_name!~"PassthroughCluster|BlackHoleCluster|unknown"'];
  const answers: Readonly<Record<AnswerKind, string>> = {
    http: calls("istio_requests_total", [...edges, 'response_code!="403"'], edge, range),
    denied: calls("istio_requests_total", [...edges, 'response_code="403"'], edge, range),
    tcp: calls("istio_tcp_connections_opened_total", edges, edge, range),
    scraped_http: scraped("istio_requests_total", callers, caller),
    scraped_tcp: scraped("istio_tcp_connections_opened_total", callers, caller),
  };
  return Object.entries(answers)
    .map(([kind, expression]) => `label_replace(${expression},${quoted(ANSWER_LABEL)},${quoted(kind)},"","")`)
    .join("\nor ");
}

/**
 * Calls within the range. The first call creates the series: Prometheus never sees it at 0, and
 * `increase` is 0 without a second call. So a series that did not exist before the range counts in
 * full.
 */
function calls(metric: string, matchers: readonly string[], by: readonly string[], range: number): string {
  const series = `${metric}{${matchers.join(",")}}`;
  return `sum by (${by.join(",")}) ((${series} unless ${series} offset ${range}ms) or increase(${series}[${range}ms])) > 0`;
}

function scraped(metric: string, matchers: readonly string[], by: readonly string[]): string {
  return `min by (${by.join(",")}) (timestamp(${metric}{${matchers.join(",")}}))`;
}

/** A namespace is a DNS label, so a regular expression matches it literally. */
function escaped(namespace: string): string {
  return namespace.replace(/[^a-z0-9-]/g, "");
}
