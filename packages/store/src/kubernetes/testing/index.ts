export * from "./rendered-objects.ts";
export * from "./resources.ts";
export { ManualLeadership, MESH_CONFIG_MAP } from "./store-under-test.ts";
