import { type LimitAction, type LimitDescriptor, type SmartLimiter, shortHash } from "@fenceline/api";
import { addedHeaderFault, isHeaderName } from "./header-names.ts";
import { actionsOf, type LimitActions } from "./limit-actions.ts";
import { type LimitPlace, placesOf } from "./limit-place.ts";

/** The part of a limiter's rule that does not depend on measured values. */
export interface LimitRule {
  readonly set: string;
  /** Its name, else its number in the set. */
  readonly name: string;
  /** Used in its descriptors. It stays the same when the quota, or another rule, changes. */
  readonly id: string;
  readonly descriptor: LimitDescriptor;
  readonly places: readonly LimitPlace[];
  /**
   * Each has its own bucket: one for each address of a rule. A limit of concurrency has none.
   */
  readonly alternatives: readonly LimitActions[];
  /** Milliseconds for which the quota counts; of concurrency, after which it is worked out anew. */
  readonly interval: number;
  /** Its approximate size at each place, in characters. */
  readonly size: number;
}

/** A rule in force, with its current quota. */
export interface LimitedRule {
  readonly rule: LimitRule;
  /** Requests per interval; of concurrency, the most at a time. */
  readonly quota: number;
}

/** Why a rule cannot be rendered, whatever is measured. */
export interface LimitFault {
  /** Field of the limiter. */
  readonly path: string;
  readonly message: string;
}

/** The set of all pods of a limiter's workload. */
export const BASE_SET = "_base";

/**
 * Most rules of a limiter in all its sets. A person writes some ten; each is computed whenever the
 * limiter is looked at.
 */
const MOST_RULES = 1_000;

/** Characters of a bucket and the fields around it. */
const BUCKET_SIZE = 150;

/** Characters of a filter for concurrency, and of the patches for it. */
const CONCURRENCY_SIZE = 1_500;

/** Shortest interval of a bucket that Envoy accepts, in milliseconds. */
const SHORTEST_INTERVAL = 50;

/** The rules of a limiter, set by set and in order, and what is wrong with the invalid ones. */
export function limitRules(limiter: SmartLimiter): { readonly rules: readonly LimitRule[]; readonly faults: readonly LimitFault[] } {
  const rules: LimitRule[] = [];
  const faults: LimitFault[] = [];
  for (const [set, { descriptor: descriptors }] of Object.entries(limiter.spec.sets)) {
    const names = new Set<string>();
    for (const [index, descriptor] of descriptors.entries()) {
      const path = `spec.sets.${set}.descriptor[${index}]`;
      if (rules.length + faults.length === MOST_RULES) return { rules, faults: [...faults, { path, message: TOO_MANY_RULES }] };
      const name = descriptor.name ?? String(index);
      const rule = names.has(name) ? `another rule of the set is called ${name}` : ruleOf(limiter, set, name, descriptor);
      names.add(name);
      if (typeof rule === "string") faults.push({ path, message: rule });
      else rules.push(rule);
    }
  }
  return { rules, faults };
}

const TOO_MANY_RULES = `a limiter has ${MOST_RULES.toLocaleString("en")} rules at most; this one and those behind it are left out`;

function ruleOf(limiter: SmartLimiter, set: string, name: string, descriptor: LimitDescriptor): LimitRule | string {
  const { action } = descriptor;
  const target = descriptor.target ?? limiter.spec.target ?? targetOfOlderForm(limiter, descriptor);
  if (target === undefined) return "neither the rule nor spec.target says where the calls are";
  const where = placesOf(target, limiter.spec.gateway);
  if ("fault" in where) return where.fault;
  if (action.strategy === "global") return "`strategy: global` needs a rate limit service, and Fenceline configures none yet";
  const interval = (action.fillInterval.seconds ?? 0) * 1_000 + (action.fillInterval.nanos ?? 0) / 1e6;
  if (interval < SHORTEST_INTERVAL) return `fillInterval is ${interval} ms, and Envoy takes ${SHORTEST_INTERVAL} ms and more`;
  const fault = action.kind === "concurrency" ? concurrencyFault(descriptor) : headerFault(action);
  if (fault !== undefined) return fault;
  const id = `Service[${limiter.metadata.name}.${limiter.metadata.namespace}]-Id[${shortHash(`${set}/${name}`)}]`;
  const what = alternativesOf(descriptor, id);
  if ("fault" in what) return what.fault;
  return {
    set,
    name,
    id,
    descriptor,
    places: where.places,
    alternatives: what.alternatives,
    interval,
    size: sizeOf(what.alternatives, action),
  };
}

/** A limit of concurrency is a filter of its own, and has no buckets. */
function alternativesOf({ action, match, customKey, customValue = "" }: LimitDescriptor, id: string): ReturnType<typeof actionsOf> {
  if (action.kind === "concurrency") return { alternatives: [] };
  if (customKey === undefined || customKey === "") return actionsOf(match, id);
  return { alternatives: [{ actions: [], entries: [{ key: customKey, value: customValue }] }] };
}

/** Envoy counts all calls at a place, and knows neither a shadow nor headers. */
function concurrencyFault({ action, match, customKey = "" }: LimitDescriptor): string | undefined {
  const given = [
    match.length > 0 && "match",
    customKey !== "" && "customKey",
    action.headersToAdd.length > 0 && "headersToAdd",
    action.cost !== undefined && "cost",
    action.shadow && "shadow",
    action.rateLimitHeaders && "rateLimitHeaders",
  ].filter((field) => field !== false);
  return given.length === 0 ? undefined : `a limit of kind concurrency counts all calls alike, and takes no ${given.join(", ")}`;
}

/** The alternatives of a rule differ only in an address. */
function sizeOf(alternatives: readonly LimitActions[], { kind, headersToAdd }: LimitAction): number {
  if (kind === "concurrency") return CONCURRENCY_SIZE;
  return alternatives.length * (JSON.stringify(alternatives[0] ?? "").length + BUCKET_SIZE) + JSON.stringify(headersToAdd).length;
}

function headerFault({ headersToAdd, cost }: LimitAction): string | undefined {
  if (cost?.header !== undefined && !isHeaderName(cost.header)) return `cost: ${JSON.stringify(cost.header)} is no name of a header`;
  return headersToAdd.map(addedHeaderFault).find((fault) => fault !== undefined);
}

/**
 * v1alpha1 has neither targets nor strategies: it means calls to the workload, on each port. An API
 * server overwrites the version, so only the fields show it.
 */
function targetOfOlderForm({ spec }: SmartLimiter, { action }: LimitDescriptor) {
  return action.strategy === undefined && !spec.gateway ? {} : undefined;
}
