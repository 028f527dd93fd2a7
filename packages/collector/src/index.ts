export * from "./collector.ts";
export { Mesh } from "./mesh.ts";
