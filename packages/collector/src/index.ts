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
export { type SimulatedLimiter, simulateLimiter } from "./limiter/simulate-limiter.ts";
export { type ReportRequest, reportOfManifests } from "./report-of-manifests.ts";
export { exportRoute } from "./routes/export-route.ts";
export { fenceRoutes } from "./routes/fence-routes.ts";
export { reportRoutes } from "./routes/report-routes.ts";
export type { ReportView } from "./routes/report-views.ts";
export { resetRoute } from "./routes/reset-route.ts";
export type { FenceReader } from "./routes/views.ts";
export type { IstiodCredentials } from "./sources/istiods/istiods.ts";
