export * from "../api/resource.ts";
export * from "./fake-api-server.ts";
export * from "./rendered-objects.ts";
export { ManualLeadership, MESH_CONFIG_MAP } from "./store-under-test.ts";
export * from "./until.ts";
