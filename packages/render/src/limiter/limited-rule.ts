import type { LimitRule } from "./limit-rules.ts";

/** A rule that is in force, with its quota as it is now. */
export interface LimitedRule {
  readonly rule: LimitRule;
  /** Requests per interval. */
  readonly quota: number;
}
