import type { Bridge } from "./network/bridge.ts";
import type { ProcessKeeping } from "./process.ts";
import type { RunFolder } from "./run-folder.ts";

/** What etcd and the API server stand on. They need an address to listen at, and no network. */
export interface ServerGround extends ProcessKeeping {
  readonly bridge: Pick<Bridge, "address" | "serviceRange">;
  readonly run: RunFolder;
  /** Aborted when the lab is to end: every waiting ends then. */
  readonly signal: AbortSignal;
}

/** What every part of a lab stands on. */
export interface Ground extends ServerGround {
  readonly bridge: Bridge;
}
