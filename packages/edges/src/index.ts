export { EdgeBook } from "./edge-book.ts";
export { FenceEdges } from "./fence-edges.ts";
export type { AgeingPolicy, EdgesSeen, HostRecord, HostSeed, ResetsDone } from "./host-entry.ts";
export type { RunningSource, Sighting, SightingOutcome, SightingSink, TelemetrySource } from "./sightings.ts";
