export * from "./fallback/declared-ports.ts";
export * from "./fallback/fallback-ports.ts";
export * from "./fence/egress-hosts.ts";
export { hasOnDemand } from "./fence/fence-filter.ts";
export { ParkedHosts } from "./fence/parked-hosts.ts";
export * from "./fence/render-fence.ts";
export { selectorRemarks } from "./fence/selector-remarks.ts";
export { type SwitchOverStep, switchOver } from "./fence/switch-over.ts";
