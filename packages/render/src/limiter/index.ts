export { type LimitedPods, type LimitGroup, LimitGroups, labelsText } from "./limit-groups.ts";
export type { PodPorts } from "./limit-place.ts";
export { BASE_SET, type LimitFault, type LimitRule, limitRules } from "./limit-rules.ts";
export { LOCAL_LIMIT_NAME, renderLimits } from "./render-limits.ts";
export { rulesWithoutRoom } from "./rules-without-room.ts";
