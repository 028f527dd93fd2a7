import { type LimitDescriptor, type SmartLimiter, shortHash } from "@fenceline/api";
import { actionsOf, type LimitActions } from "./limit-actions.ts";
import { type LimitPlace, placesOf } from "./limit-place.ts";

/** A rule of a limiter as far as it does not depend on what is measured. */
export interface LimitRule {
  readonly set: string;
  /** Its name, else its place in the set. */
  readonly name: string;
  /** Names its descriptors. Stays the same when the quota, or another rule, changes. */
  readonly id: string;
  readonly descriptor: LimitDescriptor;
  readonly places: readonly LimitPlace[];
  /** Each has a bucket of its own: one for each address of a rule. */
  readonly alternatives: readonly LimitActions[];
  /** Milliseconds that the quota lasts. */
  readonly interval: number;
}

/** A rule that cannot be rendered, whatever is measured. */
export interface LimitFault {
  /** Field of the limiter. */
  readonly path: string;
  readonly message: string;
}

/** Set of all pods of a limiter's workload. */
export const BASE_SET = "_base";

/** Shortest interval of a bucket that Envoy takes, in milliseconds. */
const SHORTEST_INTERVAL = 50;

/** The rules of one set of a limiter, in order, and what is wrong with others. */
export function limitRules(
  limiter: SmartLimiter,
  set: string,
): { readonly rules: readonly LimitRule[]; readonly faults: readonly LimitFault[] } {
  const rules: LimitRule[] = [];
  const faults: LimitFault[] = [];
  const names = new Set<string>();
  for (const [index, descriptor] of (limiter.spec.sets[set]?.descriptor ?? []).entries()) {
    const name = descriptor.name ?? String(index);
    const path = `spec.sets.${set}.descriptor[${index}]`;
    const rule = names.has(name) ? `another rule of the set is called ${name}` : ruleOf(limiter, set, name, descriptor);
    names.add(name);
    if (typeof rule === "string") faults.push({ path, message: rule });
    else rules.push(rule);
  }
  return { rules, faults };
}

function ruleOf(limiter: SmartLimiter, set: string, name: string, descriptor: LimitDescriptor): LimitRule | string {
  const { action, match, customKey, customValue } = descriptor;
  const target = descriptor.target ?? limiter.spec.target ?? targetOfOlderForm(limiter, descriptor);
  if (target === undefined) return "neither the rule nor spec.target says where the calls are";
  const where = placesOf(target, limiter.spec.gateway);
  if ("fault" in where) return where.fault;
  if (action.strategy === "global") return "`strategy: global` needs a rate limit service, and Fenceline configures none yet";
  const interval = (action.fillInterval.seconds ?? 0) * 1_000 + (action.fillInterval.nanos ?? 0) / 1e6;
  if (interval < SHORTEST_INTERVAL) return `fillInterval is ${interval} ms, and Envoy takes ${SHORTEST_INTERVAL} ms and more`;
  const id = `Service[${limiter.metadata.name}.${limiter.metadata.namespace}]-Id[${shortHash(`${set}/${name}`)}]`;
  const what =
    customKey === undefined
      ? actionsOf(match, id)
      : { alternatives: [{ actions: [], entries: [{ key: customKey, value: customValue ?? "" }] }] };
  if ("fault" in what) return what.fault;
  return { set, name, id, descriptor, places: where.places, alternatives: what.alternatives, interval };
}

/**
 * v1alpha1 knew neither targets nor strategies: calls to the workload, on each port. An API server
 * writes another version over it, so the fields alone tell.
 */
function targetOfOlderForm({ spec }: SmartLimiter, { action }: LimitDescriptor) {
  return action.strategy === undefined && !spec.gateway ? {} : undefined;
}
