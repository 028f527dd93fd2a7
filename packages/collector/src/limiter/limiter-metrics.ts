import type { Limiters, SmartLimiter } from "@fenceline/api";
import type { LimitFault } from "@fenceline/render/limiter";

/** In a query: the names of the pods of a set. Such a query has another value for each set. */
export const POD_NAMES = "$pod_name";
/** In a query: the limiter's namespace. */
export const NAMESPACE_NAME = "$namespace";

/** Most queries that a limiter brings along. */
const MOST_OWN = 32;

/** The values that expressions of a limiter may name, beside the counts of its pods. */
export interface LimiterMetrics {
  /** PromQL by the name of the metric, as it is written. */
  readonly queries: ReadonlyMap<string, string>;
  /** Names of values that are given and not asked for. */
  readonly given: readonly string[];
  /** Why queries of its own are not asked. */
  readonly fault?: LimitFault;
}

/** Its own queries come before those of the configuration. */
export function limiterMetrics({ spec }: Pick<SmartLimiter, "spec">, config: Limiters, given: Iterable<string> = []): LimiterMetrics {
  const configured = Object.entries(config.metrics);
  const fault = ownFault(Object.keys(spec.metrics).length, config);
  const own = fault === undefined ? Object.entries(spec.metrics) : [];
  const queries = new Map([...configured, ...own].map(([name, { query }]) => [name, query]));
  return { queries, given: [...given], ...(fault && { fault: { path: "spec.metrics", message: fault } }) };
}

function ownFault(count: number, { ownQueries }: Limiters): string | undefined {
  if (count > 0 && !ownQueries)
    return "queries of limiters are not asked here: have the metric configured in limiters.metrics, or limiters.ownQueries set to true";
  return count > MOST_OWN ? `more than ${MOST_OWN} queries` : undefined;
}

/** Names of all values, for the sets of a limiter. */
export function valueNames({ queries, given }: LimiterMetrics, sets: readonly string[]): readonly string[] {
  return [...given, ...[...queries].flatMap(([name, query]) => (isPerSet(query) ? sets.map((set) => valueOfSet(set, name)) : [name]))];
}

export function isPerSet(query: string): boolean {
  return query.includes(POD_NAMES);
}

/** Name of the value that a set has of a metric: `v1.cpu`. */
export function valueOfSet(set: string, metric: string): string {
  return `${set}.${metric}`;
}
