import type { Bridge } from "./network/bridge.ts";
import type { ProcessKeeping } from "./process.ts";
import type { RunFolder } from "./run-folder.ts";

/** What every part of a lab stands on. */
export interface Ground extends ProcessKeeping {
  readonly bridge: Bridge;
  readonly run: RunFolder;
  /** Aborted when the lab is to end: every waiting ends then. */
  readonly signal: AbortSignal;
}
