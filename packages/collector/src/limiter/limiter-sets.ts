import type { DestinationRule, Labels, SmartLimiter } from "@fenceline/api";
import type { ServiceLookup } from "@fenceline/registry";
import { BASE_SET } from "@fenceline/render/limiter";
import { selectorFault } from "@fenceline/render/reach";
import type { HostEntries } from "./host-entries.ts";
import { hostText, type SubsetRules } from "./subset-rules.ts";

/**
 * Most sets of the limiters of a namespace. To find which sets share a filter, each may have to be
 * compared with each other.
 */
export const MOST_SETS = 1_000;

/** Why the pods of a set are not known, or it has none. */
export interface MissingPods {
  readonly reason: "PodsUnknown" | "SelectorInvalid" | "TooManySets";
  /** What is wrong, and what to do. */
  readonly message: string;
}

/** Pods of a set of a limiter, or why they are not known. */
export type SetPods = { readonly set: string; readonly labels: Labels } | { readonly set: string; readonly missing: MissingPods };

/** Where the labels of pods are looked up, beside Services. */
export interface SetSources {
  readonly rules: SubsetRules;
  readonly entries: HostEntries;
}

/**
 * The pods of each set of a limiter: those of its selector, else of the ServiceEntry with its host,
 * else of the Service with its name. Pods of a subset also have the subset's labels.
 */
export function podsOfSets(limiter: SmartLimiter, { rules, entries }: SetSources, registry: ServiceLookup): readonly SetPods[] {
  const base = baseLabels(limiter, entries, registry);
  const subsets = typeof base === "string" ? new Map<string, Labels>() : subsetsOf(rules.of(limiter, registry));
  return Object.keys(limiter.spec.sets).map((set) => {
    if (typeof base === "string") return { set, missing: { reason: "PodsUnknown", message: base } };
    if (set === BASE_SET) return podsOf(set, base);
    const subset = subsets.get(set);
    if (subset !== undefined) return podsOf(set, { ...base, ...subset });
    const message = `no DestinationRule of the namespace has a subset ${set} of ${hostText(limiter)}`;
    return { set, missing: { reason: "PodsUnknown", message } };
  });
}

function podsOf(set: string, labels: Labels): SetPods {
  const fault = selectorFault(labels);
  if (fault === undefined) return { set, labels };
  return { set, missing: { reason: "SelectorInvalid", message: `its selector names no workload: ${fault}` } };
}

/** The labels, or what is missing. */
function baseLabels(limiter: SmartLimiter, entries: HostEntries, registry: ServiceLookup): Labels | string {
  const { metadata, spec } = limiter;
  const { namespace, name } = metadata;
  if (Object.keys(spec.workloadSelector).length > 0) return spec.workloadSelector;
  if (spec.gateway) return "a gateway needs spec.workloadSelector: without it every proxy of the namespace would be limited";
  if (spec.host !== undefined && spec.host !== "") return entries.labelsOf(limiter);
  const service = registry.service(namespace, name);
  if (service === undefined) return `there is no Service ${namespace}/${name}: write one, or spec.workloadSelector`;
  const { selector } = service.spec;
  return Object.keys(selector).length > 0 ? selector : `Service ${namespace}/${name} selects no pods: write spec.workloadSelector`;
}

/** If two have one name, the first counts. */
function subsetsOf(rules: readonly DestinationRule[]): ReadonlyMap<string, Labels> {
  return new Map(rules.flatMap(({ spec: { subsets } }) => subsets.map(({ name, labels }) => [name, labels] as const)).reverse());
}
