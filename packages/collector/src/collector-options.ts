import type { Server } from "node:net";
import type { Config } from "@fenceline/api";
import type { TelemetrySource } from "@fenceline/edges";
import type { Store } from "@fenceline/store";
import type { Logger } from "pino";
import type { FallbackToken } from "./fallback/fallback-caller.ts";
import type { SampleSource } from "./kind-context.ts";
import type { Drivers } from "./kinds.ts";
import type { Mesh } from "./mesh.ts";
import type { IstiodCredentials } from "./sources/istiods/istiods.ts";

/** Settings of a collector. */
export interface CollectorOptions {
  readonly store: Store;
  readonly config: Config;
  readonly logger: Logger;
  /** Address to listen on for access logs. Port 0 takes a free one. */
  readonly accessLogs: {
    readonly host: string;
    readonly port: number;
    /**
     * Called when the collector begins to listen. Returns a server that listens on the port
     * already; its socket is taken over. Default: the port is bound.
     */
    readonly bound?: () => Server;
  };
  /** Milliseconds of the wall clock. Default `Date.now`. */
  readonly now?: () => number;
  /**
   * Whether this replica leads: only the leader ages and renders. Default: it does, since there is
   * only one. Call `Collector.lead` when it begins to lead.
   */
  readonly leads?: () => boolean;
  /**
   * Whether the fallback can answer. Default: always, since it runs in the same process. In a
   * cluster: `(mesh) => mesh.hasFallback()`.
   */
  readonly fallbackReady?: (mesh: Mesh) => boolean;
  /**
   * Checks whether a token is the global sidecar's. Default: none is, and reports in the fallback's
   * name are refused.
   */
  readonly fallbackToken?: FallbackToken;
  /**
   * The version of Istio that our own proxy runs. It counts for workloads whose version is not
   * known yet, since one control plane injects all. The version that a workload of another
   * namespace reports never counts for them, since it could report anything. Default: not known,
   * and the versions of their namespace count.
   */
  readonly proxyVersion?: string;
  /**
   * Credentials for istiods, which are asked which proxies refuse their configuration. Default:
   * they are not asked.
   */
  readonly istiods?: IstiodCredentials;
  /** Sources of telemetry beside the access logs. Default: none. */
  readonly sources?: readonly TelemetrySource[];
  /** Where kinds query numbers from outside of the mesh. Default: Prometheus, if configured. */
  readonly samples?: SampleSource;
  /** The kinds that it runs. Default: `DRIVERS`. The store must have them too. */
  readonly drivers?: Drivers;
}
