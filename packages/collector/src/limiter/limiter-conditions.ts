import {
  aboutGeneration,
  DESTINATION_RULE,
  ENDPOINT_SLICE,
  ENVOY_FILTER,
  type Judgement,
  type LimiterCondition,
  type LimiterConditionType,
  NAMESPACE,
  SERVICE,
  SERVICE_ENTRY,
  shortenedList,
  withTransition,
} from "@fenceline/api";
import { BASE_SET } from "@fenceline/render/limiter";
import { forbidden } from "../fence/mesh-objects-condition.ts";
import { proxiesCondition } from "../sources/istiods/proxies-condition.ts";
import { leftFilters, missingFilters, remainingFilters } from "./limiter-filters.ts";
import { POD_COUNT } from "./limiter-material.ts";
import type { LimiterSeen, RuleDecision } from "./limiter-seen.ts";

type LimiterJudgement = Judgement<LimiterConditionType>;

/** The current conditions of a limiter, each with its reason. */
export function limiterConditions(seen: LimiterSeen): LimiterCondition[] {
  const about = aboutGeneration(seen.limiter.metadata);
  return [accepted(seen), resolvedRefs(seen), rendered(seen), acceptedByProxies(seen), active(seen), stale(seen)].map((judgement) =>
    withTransition({ ...judgement, ...about }, seen.limiter.status?.conditions, seen.now),
  );
}

function accepted({ faults, limiter }: LimiterSeen): LimiterJudgement {
  if (faults.length > 0) {
    const message = shortenedList(faults.map(({ path, message: what }) => `${path}: ${what}`));
    return {
      type: "Accepted",
      status: "False",
      reason: "RuleInvalid",
      message: `${message}. The version before of such a rule stays in force`,
    };
  }
  const count = Object.values(limiter.spec.sets).reduce((sum, { descriptor }) => sum + descriptor.length, 0);
  return { type: "Accepted", status: "True", reason: "RulesRead", message: `${count} rules` };
}

/** For a limiter with labels of its own, and without subsets, nothing is looked up. */
function resolvedRefs({ limiter: { spec }, sets, unread }: LimiterSeen): LimiterJudgement {
  const isByEntry = spec.host !== undefined && spec.host !== "";
  const isLookedUp = Object.keys(spec.workloadSelector).length === 0;
  const hasSubsets = Object.keys(spec.sets).some((set) => set !== BASE_SET);
  const notRead = forbidden(
    unread,
    ...(isLookedUp || hasSubsets ? [SERVICE] : []),
    ...(isLookedUp && isByEntry ? [SERVICE_ENTRY] : []),
    ...(hasSubsets ? [DESTINATION_RULE] : []),
  );
  if (notRead !== undefined) return { type: "ResolvedRefs", ...notRead };
  const missing = sets.flatMap((each) => ("missing" in each ? [{ set: each.set, ...each.missing }] : []));
  const [first] = missing;
  if (first !== undefined) {
    const message = shortenedList(missing.map(({ set, message: what }) => `set ${set}: ${what}`));
    return { type: "ResolvedRefs", status: "False", reason: first.reason, message };
  }
  return { type: "ResolvedRefs", status: "True", reason: "PodsKnown", message: "the pods of every set are known" };
}

/** By what was read back. */
function rendered(seen: LimiterSeen): LimiterJudgement {
  const { refusal, decisions, obstacles, sharedMissing } = seen;
  const [obstacle] = obstacles;
  const type = "Rendered";
  if (refusal !== undefined) return { type: "Rendered", status: "False", ...refusal };
  const leftOut = decisions.filter(({ reason }) => reason === "TooManyRules");
  if (leftOut.length > 0) return { type: "Rendered", status: "False", reason: "TooManyRules", message: leftOutText(leftOut) };
  if (obstacle !== undefined) return { type: "Rendered", status: "False", reason: obstacle.reason, message: obstacle.message };
  const notPlaced = decisions.filter(({ reason }) => reason === "PodsUnknown").length;
  if (notPlaced > 0) {
    const message = `${notPlaced} rules are for pods that nobody knows, see ResolvedRefs`;
    return { type: "Rendered", status: "False", reason: "PodsUnknown", message };
  }
  const notRead = forbidden(seen.unread, ENVOY_FILTER, NAMESPACE);
  if (notRead !== undefined) return { type, ...notRead };
  const left = leftFilters(seen);
  if (left.length > 0) {
    const message = `EnvoyFilter ${shortenedList(left, ", ")}, which is not wanted for these pods any more and still there, limits their calls: that of this limiter is written once it is gone`;
    return { type, status: "False", reason: "OtherNotDeletedYet", message };
  }
  const notWritten = [...missingFilters(seen), ...sharedMissing.map((name) => `that of SmartLimiter ${name}`)];
  if (notWritten.length > 0) {
    const message = `EnvoyFilter ${shortenedList(notWritten, ", ")} not written yet`;
    return { type, status: "False", reason: "NotWrittenYet", message };
  }
  const remaining = remainingFilters(seen);
  if (remaining.length > 0 && !isUnreadable(seen)) {
    const message = `EnvoyFilter ${shortenedList(remaining, ", ")} not wanted any more and not deleted yet`;
    return { type, status: "False", reason: "NotDeletedYet", message };
  }
  return whereRendered(seen);
}

function whereRendered({ decisions, present, sharedWith }: LimiterSeen): LimiterJudgement {
  if (sharedWith.length > 0) {
    const message = `its rules stand in the EnvoyFilter of SmartLimiter ${shortenedList(sharedWith, ", ")}, which is for the same pods`;
    return { type: "Rendered", status: "True", reason: "RenderedWithOthers", message };
  }
  if (!decisions.some(({ isActive }) => isActive))
    return { type: "Rendered", status: "True", reason: "NothingToRender", message: "no rule is in force" };
  const names = present.map(({ metadata: { name } }) => name);
  return { type: "Rendered", status: "True", reason: "Written", message: `EnvoyFilter ${shortenedList(names, ", ")}` };
}

function leftOutText(leftOut: readonly RuleDecision[]): string {
  const rules = leftOut.map(({ rule }) => `${rule.set} rule ${rule.name}`);
  return `${shortenedList(rules, ", ")} are left out: ${leftOut[0]?.message}`;
}

function acceptedByProxies({ sets, proxies, limiter }: LimiterSeen): LimiterJudgement {
  const type = "AcceptedByProxies";
  if (!sets.some((each) => "labels" in each))
    return { type, status: "Unknown", reason: "PodsUnknown", message: "the pods of no set are known, see ResolvedRefs" };
  const judged = proxies && proxiesCondition(proxies, limiter.status?.conditions);
  return judged ?? { type, status: "Unknown", reason: "NotObserved", message: "no istiod has told what the proxies refuse" };
}

/**
 * By what was read back, too. A rule that is not written limits nothing, and an existing object
 * limits calls until it is deleted.
 */
function active(seen: LimiterSeen): LimiterJudgement {
  const type = "Active";
  const inForce = seen.decisions.filter(({ isActive }) => isActive).length;
  const all = seen.decisions.length;
  const notRead = forbidden(seen.unread, ENVOY_FILTER);
  if (notRead !== undefined) return { type, ...notRead };
  const isThere = missingFilters(seen).length === 0 && seen.sharedMissing.length === 0;
  if (inForce > 0 && !isThere && leftFilters(seen).length > 0) {
    const message = `${inForce} of ${all} rules are to limit calls; what another limiter left for the same pods still does, see Rendered`;
    return { type, status: "True", reason: "LimitsRemain", message };
  }
  if (inForce > 0 && !isThere) {
    const message = `${inForce} of ${all} rules are to limit calls, and are not written, see Rendered`;
    return { type, status: "False", reason: "NotWrittenYet", message };
  }
  if (inForce > 0) return { type, status: "True", reason: "RulesInForce", message: `${inForce} of ${all} rules limit calls` };
  if (remainingFilters(seen).length > 0)
    return {
      type,
      status: "True",
      reason: "LimitsRemain",
      message: "no rule is to limit calls, and what was rendered before still does, see Rendered",
    };
  return { type, status: "False", reason: "NoRuleInForce", message: `0 of ${all} rules limit calls` };
}

/** As long as no rule of a spec can be read, the existing objects stay. */
function isUnreadable({ faults, decisions }: LimiterSeen): boolean {
  return faults.length > 0 && decisions.length === 0;
}

function stale({ decisions, material, valueFaults, unread }: LimiterSeen): LimiterJudgement {
  const countsPods = [...material.keys()].some((name) => name.endsWith(`.${POD_COUNT}`));
  const notRead = countsPods ? forbidden(unread, SERVICE, ENDPOINT_SLICE) : undefined;
  if (notRead !== undefined) return { type: "Stale", ...notRead };
  const without = decisions.filter(({ reason }) => reason === "Stale" || reason === "NoValues");
  const faults = [...valueFaults].map(([name, fault]) => `${name}: ${fault}`);
  if (without.length === 0 && faults.length === 0)
    return { type: "Stale", status: "False", reason: "ValuesKnown", message: "every rule has its values" };
  const message = shortenedList([...without.map(({ rule, message: what = "" }) => `${rule.set} rule ${rule.name}: ${what}`), ...faults]);
  if (without.length === 0) return { type: "Stale", status: "False", reason: "DefaultsUsed", message };
  const isStale = without.some(({ reason }) => reason === "Stale");
  return { type: "Stale", status: isStale ? "True" : "False", reason: isStale ? "ValuesMissing" : "ValuesLate", message };
}
