export { AdaptiveRule, type Decision, type InForce } from "./engine/adaptive-rule.ts";
export type { RulePolicy } from "./engine/rule-policy.ts";
export { type SeriesPoint, type SimulatedMoment, simulated } from "./engine/simulate.ts";
export { Expressions } from "./expression/expression.ts";
export { ExpressionError } from "./expression/expression-error.ts";
export type { Material } from "./expression/material.ts";
