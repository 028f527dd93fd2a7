export { AdaptiveRule, type AdaptiveRuleOptions, type Decision, type DecisionReason, type InForce } from "./engine/adaptive-rule.ts";
export { MOST_QUOTA, type RulePolicy } from "./engine/rule-policy.ts";
export { type Expression, Expressions, type Outcome } from "./expression/expression.ts";
export { ExpressionError, type ExpressionFault } from "./expression/expression-error.ts";
export type { Material } from "./expression/material.ts";
