import type { Releases } from "../setup/releases.ts";
import type { Bridge } from "./network/bridge.ts";
import type { ProcessKeeping } from "./process.ts";
import type { RunFolder } from "./run-folder.ts";

/** What etcd and the API server need: an address to listen at, and no network. */
export interface ServerContext extends ProcessKeeping {
  readonly bridge: Pick<Bridge, "address" | "serviceRange">;
  readonly run: RunFolder;
  /** Aborted when the lab ends: it ends every wait. */
  readonly signal: AbortSignal;
}

/** What every part of a lab needs. */
export interface LabContext extends ServerContext {
  readonly bridge: Bridge;
  readonly releases: Releases;
}
