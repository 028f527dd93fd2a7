import { durationMs, type LimitAction, type LimitRuleStatus, type SmartLimiter } from "@fenceline/api";
import { AdaptiveRule, ExpressionError, Expressions, type InForce, type Material, type RulePolicy } from "@fenceline/limits";
import { type LimitFault, type LimitRule, limitRules } from "@fenceline/render/limiter";
import { POD_COUNT } from "./limiter-material.ts";
import { type LimiterMetrics, valueNames, valueOfSet } from "./limiter-metrics.ts";
import type { RuleDecision } from "./limiter-seen.ts";
import { MOST_SETS } from "./limiter-sets.ts";

/**
 * Shortest pause between two steps, and shortest time without values that counts, in milliseconds.
 * Each step, and each change to the fallback and back, writes an EnvoyFilter and a status, and a
 * tenant chooses these lengths (T-14).
 */
const SHORTEST = 1_000;

/** A rule that can be decided, and its last decision. */
export interface DecidedRule {
  readonly rule: LimitRule;
  readonly adaptive: AdaptiveRule;
  /** Names of the values that its expressions use. */
  readonly names: readonly string[];
}

/** What is kept about a limiter beside its objects. */
export interface LimiterRules {
  readonly limiter: SmartLimiter;
  readonly rules: readonly DecidedRule[];
  readonly faults: readonly LimitFault[];
}

/**
 * The rules of a limiter.
 *
 * For an invalid rule the former version stays in force: a mistyped quota must not lift the limit.
 *
 * @param before rules of the spec before
 * @param stored what was in force before a restart, from the status
 */
export function readRules(
  limiter: SmartLimiter,
  metrics: LimiterMetrics,
  before: LimiterRules | undefined,
  stored: readonly LimitRuleStatus[] = [],
): LimiterRules {
  const rules: DecidedRule[] = [];
  const faults: LimitFault[] = [];
  const read = limitRules(limiter);
  faults.push(...read.faults, ...(metrics.fault === undefined ? [] : [metrics.fault]));
  // Its namespace accepts no more sets.
  const expressions = expressionsFor(Object.keys(limiter.spec.sets).slice(0, MOST_SETS), metrics, faults);
  const known = new Map(before?.rules.map((each) => [each.rule.id, each.adaptive.inForce]));
  const inForceBefore = storedRules(stored);
  for (const rule of read.rules) {
    const inForce = known.get(rule.id) ?? inForceBefore.get(ruleText(rule.set, rule.name));
    try {
      rules.push(decidedRule(rule, expressions, inForce));
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      faults.push({ path: `spec.sets.${rule.set} rule ${rule.name}`, message: error.detail });
    }
  }
  const ids = new Set(rules.map(({ rule }) => rule.id));
  const kept = before?.rules.filter(({ rule }) => !ids.has(rule.id) && isAskedFor(limiter, rule)) ?? [];
  return { limiter, rules: [...rules, ...kept], faults };
}

/** Has rules go on from what a status says. */
export function resumeRules({ rules }: LimiterRules, stored: readonly LimitRuleStatus[] = []): void {
  const inForce = storedRules(stored);
  for (const { rule, adaptive } of rules) {
    const before = inForce.get(ruleText(rule.set, rule.name));
    if (before !== undefined) adaptive.resume(before);
  }
}

function storedRules(stored: readonly LimitRuleStatus[]): ReadonlyMap<string, InForce> {
  return new Map(stored.map((each) => [ruleText(each.set, each.rule), { isActive: each.active, quota: each.quota }]));
}

/** The rule as it is in force, for a status and for rendering. */
export function decide({ rule, adaptive }: DecidedRule, material: Material, now: number): RuleDecision {
  return { ...adaptive.decide(material, now), rule };
}

function expressionsFor(sets: readonly string[], metrics: LimiterMetrics, faults: LimitFault[]): Expressions {
  const pods = sets.map((set) => valueOfSet(set, POD_COUNT));
  try {
    return new Expressions([...pods, ...valueNames(metrics, sets)]);
  } catch (error) {
    faults.push({ path: "spec.metrics", message: error instanceof Error ? error.message : String(error) });
    return new Expressions(pods);
  }
}

function decidedRule(rule: LimitRule, expressions: Expressions, inForce: InForce | undefined): DecidedRule {
  const { condition, action } = rule.descriptor;
  const [holds, quota] = [expressions.condition(condition), expressions.number(action.quota)];
  const adaptive = new AdaptiveRule({ condition: holds, quota, policy: policyOf(action), ...(inForce && { inForce }) });
  return { rule, adaptive, names: [...new Set([...holds.names, ...quota.names])] };
}

function policyOf(action: LimitAction): RulePolicy {
  const { min, max, fallback, largestStep } = action;
  const step = largestStep?.by === undefined ? { part: (largestStep?.percent ?? 100) / 100 } : { by: largestStep.by };
  return {
    ...(min !== undefined && { min }),
    ...(max !== undefined && { max }),
    ...(fallback !== undefined && { fallback }),
    ...(largestStep !== undefined && { largestStep: step }),
    stepEvery: Math.max(SHORTEST, durationMs(action.stepEvery)),
    holdFor: durationMs(action.for),
    staleAfter: Math.max(SHORTEST, durationMs(action.staleAfter)),
  };
}

function ruleText(set: string, name: string): string {
  return JSON.stringify([set, name]);
}

/** Whether the spec still has the rule, under the same name. */
function isAskedFor({ spec }: SmartLimiter, { set, name }: LimitRule): boolean {
  // A set may have the name `constructor`.
  if (!Object.hasOwn(spec.sets, set)) return false;
  return spec.sets[set]?.descriptor.some((descriptor, index) => (descriptor.name ?? String(index)) === name) === true;
}
