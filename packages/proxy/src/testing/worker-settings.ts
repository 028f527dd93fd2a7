import type { LoadLimits } from "../load/admission.ts";
import type { Services } from "./proxy-under-test.ts";

/** What a test tells its workers. */
export interface TestWorkerSettings {
  readonly services: Services;
  readonly load?: LoadLimits;
  /** Milliseconds of computing that each request costs. */
  readonly cost?: number;
}

/** A request to this host ends the worker by an error that nobody catches. */
export const CRASH = "crash.test.svc.cluster.local";
/** A request to this host keeps the worker's event loop busy for as long as the thread lives. */
export const STALL = "stall.test.svc.cluster.local";
