export * from "./differences.ts";
export * from "./exported.ts";
export * from "./exported-fence.ts";
export * from "./exported-policies.ts";
export * from "./exported-sidecar.ts";
export * from "./imported-sidecar.ts";
