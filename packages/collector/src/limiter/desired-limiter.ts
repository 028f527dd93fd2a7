import {
  aboutGeneration,
  type EnvoyFilter,
  type LimitRuleStatus,
  type RenderedObject,
  renderedMeta,
  type SmartLimiter,
  type SmartLimiterStatus,
  shortened,
} from "@fenceline/api";
import type { Desired } from "@fenceline/control";
import { renderLimits } from "@fenceline/render/limiter";
import { limiterConditions } from "./limiter-conditions.ts";
import type { LimiterSeen, RuleDecision, WantedLimits } from "./limiter-seen.ts";
import { limitsName } from "./limits-name.ts";

/** What a limiter asks for: the EnvoyFilters of its pods, and its status. */
export function desiredLimiter(seen: LimiterSeen): Desired<SmartLimiterStatus> {
  const { limiter, wanted, present, decisions, faults, isEnding } = seen;
  const status = limiterStatus(seen);
  // After a restart with an unreadable spec, the existing objects were rendered from a readable
  // one.
  const isUnread = faults.length > 0 && decisions.length === 0;
  const refused = refusalOf(seen);
  if (isEnding) return { objects: present, status, isLeftAlone: true };
  // What exists there is for pods of others.
  if (seen.refusal !== undefined) return { objects: [], status, ...refused };
  if (isUnread) return { objects: present, status, ...refused };
  const objects = wanted.flatMap((each) => (each.left.length > 0 ? existing(seen, each) : (limitsOf(limiter, each) ?? [])));
  const waits = wanted.flatMap((each) => each.decisions).flatMap(({ nextIn }) => nextIn ?? []);
  return { objects, status, nextStepIn: waits.length === 0 ? undefined : Math.min(...waits), ...refused };
}

/** What a limiter asks for without getting it. */
function refusalOf({ refusal, faults, sets, decisions }: LimiterSeen): Pick<Desired<unknown>, "refused"> {
  if (refusal !== undefined) return { refused: refusal };
  const [fault] = faults;
  if (fault !== undefined) return { refused: { reason: "RuleInvalid", message: `${fault.path}: ${fault.message}` } };
  const missing = sets.find((each) => "missing" in each);
  if (missing !== undefined && "missing" in missing)
    return { refused: { reason: missing.missing.reason, message: `set ${missing.set}: ${missing.missing.message}` } };
  const leftOut = decisions.find(({ reason }) => reason === "TooManyRules");
  if (leftOut !== undefined)
    return { refused: { reason: "TooManyRules", message: `set ${leftOut.rule.set} rule ${leftOut.rule.name}: ${leftOut.message}` } };
  const without = decisions.find(({ quota }) => quota === undefined);
  if (without === undefined) return {};
  return { refused: { reason: "ValuesMissing", message: `set ${without.rule.set} rule ${without.rule.name}: ${without.message}` } };
}

function limitsOf(limiter: SmartLimiter, { owner, labels, filterName, podPorts, decisions }: WantedLimits): EnvoyFilter | undefined {
  const rules = decisions.flatMap(({ rule, isActive, quota }) => (isActive && quota !== undefined ? [{ rule, quota }] : []));
  return renderLimits({ metadata: renderedMeta(limiter, limitsName(limiter.metadata, owner.set)), labels, filterName, rules, podPorts });
}

/** What exists of an EnvoyFilter that waits until what others left is gone. */
function existing({ limiter, present }: LimiterSeen, { owner }: WantedLimits): readonly RenderedObject[] {
  const name = limitsName(limiter.metadata, owner.set);
  return present.filter(({ metadata }) => metadata.name === name);
}

function limiterStatus(seen: LimiterSeen): SmartLimiterStatus {
  const { limiter, decisions, material } = seen;
  return {
    ...aboutGeneration(limiter.metadata),
    quotas: decisions.map(quotaText).join(", "),
    rules: decisions.map(ruleStatus),
    metricStatus: Object.fromEntries([...material].map(([name, value]) => [name, String(value)])),
    ratelimitStatus: withinBounds(slimeStatus(decisions)),
    conditions: limiterConditions(seen),
  };
}

function ruleStatus({ rule, isActive, quota, reason, message }: RuleDecision): LimitRuleStatus {
  return {
    set: rule.set,
    rule: rule.name,
    active: isActive,
    ...(quota !== undefined && { quota }),
    reason,
    ...(message !== undefined && { message: shortened(message, LONGEST_MESSAGE) }),
  };
}

/** Most characters of a rule's message: there may be a thousand rules. */
const LONGEST_MESSAGE = 200;
/** Most characters of what only Slime's users read. It repeats most of the spec. */
const MOST_SLIME_STATUS = 128 * 1024;

type SlimeStatus = NonNullable<SmartLimiterStatus["ratelimitStatus"]>;

/** It is left out if it is too large, since the API server would refuse the whole status. */
function withinBounds(status: SlimeStatus): SlimeStatus {
  return JSON.stringify(status).length <= MOST_SLIME_STATUS ? status : {};
}

/** The limits, rule by rule: `100/60s, 20 at once, -`. */
function quotaText({ rule, isActive, quota }: RuleDecision): string {
  if (isActive && rule.descriptor.action.kind === "concurrency") return `${quota} at once`;
  return isActive ? `${quota}/${rule.interval / 1_000}s` : "-";
}

/** What is in force, in the form in which Slime's users read it. */
function slimeStatus(decisions: readonly RuleDecision[]): SlimeStatus {
  const inForce = decisions.filter(({ isActive }) => isActive);
  const bySet = Map.groupBy(inForce, ({ rule }) => rule.set);
  return Object.fromEntries([...bySet].map(([set, list]) => [set, { descriptor: list.map(slimeDescriptor) }]));
}

function slimeDescriptor({ rule: { descriptor }, quota }: RuleDecision) {
  const { action, match, target } = descriptor;
  const { kind, fillInterval, strategy, headersToAdd } = action;
  return {
    action: {
      ...(kind !== "rate" && { kind }),
      quota: String(quota),
      fill_interval: fillInterval,
      ...(strategy !== undefined && { strategy }),
      ...(headersToAdd.length > 0 && { headers_to_add: headersToAdd }),
    },
    ...(match.length > 0 && { match }),
    ...(target && { target }),
  };
}
