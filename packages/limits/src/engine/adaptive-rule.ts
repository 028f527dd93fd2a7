import type { Expression, Outcome } from "../expression/expression.ts";
import type { Material } from "../expression/material.ts";
import { bounded, type Limits, limitsOf, type RulePolicy } from "./rule-policy.ts";

/** A rule of a limiter whose quota depends on values. */
export interface AdaptiveRuleOptions {
  readonly condition: Pick<Expression<boolean>, "evaluate">;
  readonly quota: Pick<Expression<number>, "evaluate">;
  readonly policy: RulePolicy;
  /** What was in force before a restart. Default: nothing. */
  readonly inForce?: InForce;
}

/** What a rule demands of the proxies. */
export interface InForce {
  /** Whether the rule's limit is in force. */
  readonly isActive: boolean;
  /** Requests per interval; undefined as long as no values gave one. */
  readonly quota: number | undefined;
}

/** The reason for a decision. */
type DecisionReason =
  /** It is what the values demand. */
  | "Followed"
  /** The values demand something else, which must hold for longer, or is reached in steps. */
  | "Held"
  /** There are no values at the moment. */
  | "NoValues"
  /** There have been none for so long that the fallback counts, or there never were any. */
  | "Stale";

/** What a rule demands, and why. */
export interface Decision extends InForce {
  readonly reason: DecisionReason;
  /** The details of `NoValues` and `Stale`, in words. */
  readonly message?: string;
  /** Milliseconds until the decision may change without a change of values. */
  readonly nextIn?: number;
}

/** Since when the values have demanded this. */
interface Wanted<T> {
  readonly side: T;
  readonly since: number;
}

/**
 * Decides, each time its values are read, whether one rule is in force and with which quota.
 *
 * Whatever the values are, the quota stays within its bounds, and does not change direction within
 * `holdFor`. A value that is no number changes nothing. The caller passes the time, which never
 * goes back.
 */
export class AdaptiveRule {
  readonly #options: AdaptiveRuleOptions;
  readonly #limits: Limits;
  #isActive: boolean | undefined;
  #quota: number | undefined;
  #condition: Wanted<boolean> | undefined;
  #direction: Wanted<number> | undefined;
  /** When the quota last changed, where steps are limited. */
  #movedAt = Number.NEGATIVE_INFINITY;
  /** Since when there have been no values for the whole rule. */
  #missingSince: number | undefined;
  /** Whether the last decision was `Stale`. It stays so until there are values. */
  #isStale = false;

  constructor(options: AdaptiveRuleOptions) {
    this.#options = options;
    this.#limits = limitsOf(options.policy);
    if (options.inForce !== undefined) this.resume(options.inForce);
  }

  /**
   * Takes over what another process has in force by the same rule. What the values demanded before
   * is forgotten.
   */
  resume({ isActive, quota }: InForce): void {
    this.#isActive = isActive;
    this.#quota = quota === undefined ? undefined : bounded(quota, this.#limits.min, this.#limits.max);
    this.#condition = undefined;
    this.#direction = undefined;
    this.#missingSince = undefined;
    this.#isStale = false;
    this.#movedAt = Number.NEGATIVE_INFINITY;
  }

  /** The last decision. */
  get inForce(): InForce {
    return { isActive: this.#isActive === true && this.#quota !== undefined, quota: this.#quota };
  }

  /** @param now milliseconds of a clock that never goes back */
  decide(material: Material, now: number): Decision {
    const condition = this.#options.condition.evaluate(material);
    const quota = this.#wantedQuota(material);
    const without = withoutValue(condition) ?? withoutValue(quota);
    if (without !== undefined || !("value" in condition) || !("value" in quota)) return this.#withoutValues(without ?? "", now);
    this.#missingSince = undefined;
    this.#isStale = false;
    const waits = [this.#follow(condition.value, now), this.#move(quota.value, now)].filter((wait) => wait !== undefined);
    return this.#decision(waits.length === 0 ? { reason: "Followed" } : { reason: "Held", nextIn: Math.min(...waits) });
  }

  #wantedQuota(material: Material): Outcome<number> {
    const { quota, policy } = this.#options;
    const outcome = quota.evaluate(material);
    if (!("value" in outcome)) return outcome;
    if (!Number.isFinite(outcome.value)) return { fault: `the quota would be ${outcome.value}` };
    // Unless a `min` is set, a quota of 0 or less is a mistake and not a limit of 1.
    if (outcome.value <= 0 && policy.min === undefined) return { fault: `the quota would be ${outcome.value}; set a least one` };
    return { value: bounded(outcome.value, this.#limits.min, this.#limits.max) };
  }

  /** @returns how long the condition still has to stay as it is; undefined when it is in force */
  #follow(holds: boolean, now: number): number | undefined {
    if (this.#isActive === undefined || this.#isActive === holds) {
      this.#isActive = holds;
      this.#condition = undefined;
      return undefined;
    }
    if (this.#condition?.side !== holds) this.#condition = { side: holds, since: now };
    const wait = this.#limits.holdFor - (now - this.#condition.since);
    if (wait > 0) return wait;
    this.#isActive = holds;
    this.#condition = undefined;
    return undefined;
  }

  /** @returns how long until the next step; undefined when the quota is the wanted one */
  #move(wanted: number, now: number): number | undefined {
    const current = this.#quota;
    if (current === undefined || current === wanted) {
      this.#quota = wanted;
      this.#direction = undefined;
      return undefined;
    }
    const side = Math.sign(wanted - current);
    if (this.#direction?.side !== side) this.#direction = { side, since: now };
    const { holdFor, stepEvery } = this.#limits;
    const wait = Math.max(holdFor - (now - this.#direction.since), stepEvery - (now - this.#movedAt));
    if (wait > 0) return wait;
    const step = this.#largestStep(current);
    this.#quota = Math.abs(wanted - current) <= step ? wanted : current + side * step;
    if (this.#limits.largestStep !== undefined) this.#movedAt = now;
    if (this.#quota !== wanted) return stepEvery;
    this.#direction = undefined;
    return undefined;
  }

  #largestStep(current: number): number {
    const { largestStep } = this.#limits;
    if (largestStep === undefined) return Number.POSITIVE_INFINITY;
    return Math.max(1, "by" in largestStep ? Math.floor(largestStep.by) : Math.ceil(current * largestStep.part));
  }

  #withoutValues(message: string, now: number): Decision {
    // A change has to hold from the beginning again: the values in between are not known.
    this.#condition = undefined;
    this.#direction = undefined;
    this.#missingSince ??= now;
    const { staleAfter, fallback } = this.#limits;
    const left = staleAfter - (now - this.#missingSince);
    if (!this.#isStale && left > 0 && (this.#quota !== undefined || fallback === undefined))
      return this.#decision({ reason: "NoValues", message, nextIn: left });
    this.#isStale = true;
    if (fallback !== undefined) {
      this.#quota = fallback;
      this.#isActive = true;
    }
    return this.#decision({ reason: "Stale", message });
  }

  #decision(why: Pick<Decision, "reason" | "message" | "nextIn">): Decision {
    return { ...this.inForce, ...why };
  }
}

function withoutValue(outcome: Outcome<unknown>): string | undefined {
  if ("missing" in outcome) return `no value for ${outcome.missing.join(", ")}`;
  return "fault" in outcome ? outcome.fault : undefined;
}
