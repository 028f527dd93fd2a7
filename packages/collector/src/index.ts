export * from "./collector.ts";
export { type DesiredOfManifests, desiredOfManifests } from "./desired-of-manifests.ts";
export type { FallbackToken } from "./fallback/fallback-caller.ts";
export { Mesh } from "./mesh.ts";
export { fenceRoutes } from "./routes/fence-routes.ts";
export type { FenceReader } from "./routes/views.ts";
