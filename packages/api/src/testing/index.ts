export { until } from "./until.ts";
export { PIPE, renderPipe, renderValve, VALVE, type Valve, type ValveStatus } from "./valve.ts";
