export type { ControlMetrics } from "./control-metrics.ts";
export { Controller, type ControllerOptions } from "./controller.ts";
export { type ControlStore, WRITTEN } from "./plan-writer.ts";
export { ReadIndex } from "./read-index.ts";
export { type Desired, desiredOf, type Reconciler, type RunResult } from "./reconciler.ts";
export { RepeatPace } from "./repeat-pace.ts";
export { WorkQueue, type WorkQueueOptions } from "./work-queue.ts";
