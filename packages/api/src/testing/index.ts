export { PUMP, type Pump, PumpSpec, type PumpStatus } from "./pump.ts";
export { shortest } from "./shortest.ts";
export { until } from "./until.ts";
export { PIPE, renderPipe, renderValve, VALVE, type Valve, type ValveStatus } from "./valve.ts";
export { WELL, type Well } from "./well.ts";
