export {
  type Compared,
  differences,
  differencesText,
  type Exported,
  type ExportFormat,
  exportedFence,
  type Imported,
  importedSidecar,
} from "@fenceline/render/exchange";
export * from "./collector.ts";
export { desiredOfManifests } from "./desired-of-manifests.ts";
export { exportOfManifests } from "./export-of-manifests.ts";
export type { FallbackToken } from "./fallback/fallback-caller.ts";
export { exportRoute } from "./routes/export-route.ts";
export { fenceRoutes } from "./routes/fence-routes.ts";
export { resetRoute } from "./routes/reset-route.ts";
export type { FenceReader } from "./routes/views.ts";
export type { IstiodCredentials } from "./sources/istiods/istiods.ts";
