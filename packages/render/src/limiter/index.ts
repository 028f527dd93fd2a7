export { type LimitedPods, type LimitGroup, limitGroups } from "./limit-groups.ts";
export { BASE_SET, type LimitFault, type LimitRule, limitRules } from "./limit-rules.ts";
export { renderLimits } from "./render-limits.ts";
