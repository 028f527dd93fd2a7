export * from "./collector.ts";
export { desiredOfManifests } from "./desired-of-manifests.ts";
export type { FallbackToken } from "./fallback/fallback-caller.ts";
export { fenceRoutes } from "./routes/fence-routes.ts";
export type { FenceReader } from "./routes/views.ts";
