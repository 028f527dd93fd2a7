import { type ObjectRef, refOf, SMART_LIMITER, type SmartLimiter } from "@fenceline/api";
import type { Registry } from "@fenceline/registry";
import { labelsText } from "@fenceline/render/limiter";
import { serviceOfSet } from "./limiter-material.ts";
import { isPerSet, type LimiterMetrics, NAMESPACE_NAME, POD_NAMES, valueOfSet } from "./limiter-metrics.ts";
import type { SetPods } from "./limiter-sets.ts";

/** Most characters of a query with the names of all pods in it. */
const LONGEST_QUERY = 256 * 1_024;

/** A value that rules of a limiter name, and what it is asked by. */
export interface ValueQuery {
  readonly of: ObjectRef;
  /** Name of the value: `qps`, `_base.cpu`. */
  readonly name: string;
  readonly metric: string;
  /** The query as it is written. */
  readonly query: string;
  /** The same for queries that ask for the same. */
  readonly key: string;
  /** The query as it is sent, or why it cannot be. Made late: it may be long. */
  readonly text: () => { readonly text: string } | { readonly fault: string };
}

/** What {@link valueQueries} reads. */
export interface AskingLimiter {
  readonly limiter: SmartLimiter;
  readonly sets: readonly SetPods[];
  readonly metrics: LimiterMetrics;
  /** Names of the values that its rules use. */
  readonly names: ReadonlySet<string>;
}

/** The queries for the values that the rules of a limiter use. */
export function valueQueries({ limiter, sets, metrics, names }: AskingLimiter, registry: Registry): readonly ValueQuery[] {
  const { namespace } = limiter.metadata;
  const of = refOf(SMART_LIMITER.name, limiter);
  return [...metrics.queries]
    .flatMap(([metric, query]): readonly ValueQuery[] => {
      const place = query.includes(NAMESPACE_NAME) || isPerSet(query) ? namespace : "";
      if (!isPerSet(query)) {
        const key = JSON.stringify([query, place]);
        return [{ of, name: metric, metric, query, key, text: () => ({ text: query.replaceAll(NAMESPACE_NAME, namespace) }) }];
      }
      return sets.flatMap((each) => {
        if (!("labels" in each)) return [];
        const key = JSON.stringify([query, place, labelsText(each.labels)]);
        return [{ of, name: valueOfSet(each.set, metric), metric, query, key, text: () => forPods(query, namespace, each, registry) }];
      });
    })
    .filter(({ name }) => names.has(name));
}

function forPods(query: string, namespace: string, set: SetPods, registry: Registry): ReturnType<ValueQuery["text"]> {
  const service = serviceOfSet(namespace, set, registry);
  const pods = service === undefined ? [] : registry.readyPodsOf(service);
  if (pods.length === 0) return { fault: "no ready pod is known by name" };
  // A dot in a name would stand for any character.
  const names = pods.join("|").replaceAll(".", "[.]");
  const count = query.split(POD_NAMES).length - 1;
  if (query.length + count * names.length > LONGEST_QUERY) return { fault: "with the names of all pods the query is too long" };
  return { text: query.replaceAll(NAMESPACE_NAME, namespace).replaceAll(POD_NAMES, names) };
}
