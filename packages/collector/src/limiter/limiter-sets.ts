import type { DestinationRule, Labels, SmartLimiter } from "@fenceline/api";
import type { ServiceLookup } from "@fenceline/registry";
import { BASE_SET } from "@fenceline/render/limiter";

/** Pods that a set of a limiter is for, or why nobody knows them. */
export type SetPods = { readonly set: string; readonly labels: Labels } | { readonly set: string; readonly missing: string };

/** What the sets of a limiter are resolved with. */
export interface SetsInput {
  readonly limiter: SmartLimiter;
  readonly registry: ServiceLookup;
  /** DestinationRules of its namespace. */
  readonly destinationRules: readonly DestinationRule[];
}

/**
 * The pods of each set of a limiter: those of its selector, else of the Service with its name; of
 * a subset those that have its labels, too.
 */
export function podsOfSets({ limiter, registry, destinationRules }: SetsInput): readonly SetPods[] {
  const base = baseLabels(limiter, registry);
  return Object.keys(limiter.spec.sets).map((set) => {
    if (typeof base === "string") return { set, missing: base };
    if (set === BASE_SET) return { set, labels: base };
    const subset = subsetLabels(limiter, set, registry, destinationRules);
    if (subset !== undefined) return { set, labels: { ...base, ...subset } };
    return { set, missing: `no DestinationRule of the namespace has a subset ${set} of ${hostText(limiter)}` };
  });
}

/** Labels, or what is missing. */
function baseLabels({ metadata: { namespace, name }, spec }: SmartLimiter, registry: ServiceLookup): Labels | string {
  if (Object.keys(spec.workloadSelector).length > 0) return spec.workloadSelector;
  if (spec.gateway) return "a gateway needs spec.workloadSelector: without it every proxy of the namespace would be limited";
  if (spec.host !== undefined && spec.host !== "") return `spec.host ${spec.host} needs spec.workloadSelector beside it`;
  const service = registry.service(namespace, name);
  if (service === undefined) return `there is no Service ${namespace}/${name}: write one, or spec.workloadSelector`;
  const { selector } = service.spec;
  return Object.keys(selector).length > 0 ? selector : `Service ${namespace}/${name} selects no pods: write spec.workloadSelector`;
}

function subsetLabels(limiter: SmartLimiter, set: string, registry: ServiceLookup, rules: readonly DestinationRule[]): Labels | undefined {
  const isOwn = (host: string) => host === hostText(limiter) || isService(registry, host, limiter.metadata);
  return rules
    .filter(({ spec: { host } }) => isOwn(host))
    .flatMap(({ spec: { subsets } }) => subsets)
    .find(({ name }) => name === set)?.labels;
}

function isService(registry: ServiceLookup, host: string, { namespace, name }: SmartLimiter["metadata"]): boolean {
  const service = registry.resolveHost(host, namespace)?.metadata;
  return service?.name === name && service.namespace === namespace;
}

function hostText({ metadata, spec }: SmartLimiter): string {
  return spec.host ?? metadata.name;
}
