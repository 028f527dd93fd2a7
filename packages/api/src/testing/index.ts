export { until } from "./until.ts";
export { renderValve, VALVE, type Valve, type ValveStatus } from "./valve.ts";
