export { until } from "./until.ts";
export { renderValve, VALVE, type Valve } from "./valve.ts";
