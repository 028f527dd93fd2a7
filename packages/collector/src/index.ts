export { fenceRoutes } from "./api/fence-routes.ts";
export type { FenceReader } from "./api/views.ts";
export type { FallbackToken } from "./attribution/fallback-caller.ts";
export * from "./collector.ts";
export { type DesiredOfManifests, desiredOfManifests } from "./desired-of-manifests.ts";
export { Mesh } from "./mesh.ts";
