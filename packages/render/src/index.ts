export * from "./fallback/declared-ports.ts";
export * from "./fallback/fallback-ports.ts";
export * from "./fence/egress-hosts.ts";
export { hasOnDemand } from "./fence/fence-filter.ts";
export * from "./fence/render-fence.ts";
export { selectorRemarks } from "./fence/selector-remarks.ts";
