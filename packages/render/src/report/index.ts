export { type FenceReport, fenceReport, verdictOfStatus } from "./fence-report.ts";
export { entryFootprint, serviceFootprint, type VisibleHost } from "./mesh-inventory.ts";
export { bytesOf, ENVOY_BYTES } from "./saved-bytes.ts";
