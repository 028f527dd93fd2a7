export { Controller } from "./controller.ts";
export { KindDriver } from "./kind-driver.ts";
export { plan } from "./plan.ts";
export { WRITTEN } from "./plan-writer.ts";
export { ReadIndex } from "./read-index.ts";
export { type Desired, desiredOf, type Reconciler, type Remains, type RunResult } from "./reconciler.ts";
export { RepeatPace } from "./repeat-pace.ts";
export type { DrivenKind, Runs, Triggers } from "./triggers.ts";
export { WorkQueue, type WorkQueueOptions } from "./work-queue.ts";
