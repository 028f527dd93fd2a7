export { LEASES, type ObjectKey, type Resource } from "../client/resource.ts";
export * from "./fake-api-server.ts";
export * from "./fake-objects.ts";
export * from "./informer-under-test.ts";
export * from "./manual-clock.ts";
export type { RecordedRequest, ScriptedAnswer } from "./scripted-answers.ts";
