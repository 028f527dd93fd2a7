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

/** What a collector runs with. */
export interface CollectorOptions {
  readonly store: Store;
  readonly config: Config;
  readonly logger: Logger;
  /** Address to listen on for access logs. Port 0 takes a free one. */
  readonly accessLogs: {
    readonly host: string;
    readonly port: number;
    /**
     * Called when the collector begins to listen. It gives a server that listens on the port
     * already, whose socket is taken over. Default: the port is bound.
     */
    readonly bound?: () => Server;
  };
  /** Milliseconds of the wall clock. Default `Date.now`. */
  readonly now?: () => number;
  /**
   * Whether this replica leads: it alone ages and renders. Default: it does, for there is only one.
   * Call `Collector.lead` when it begins to.
   */
  readonly leads?: () => boolean;
  /**
   * Whether the fallback can answer. Default: it can, for it runs in the same process. In a
   * cluster: `(mesh) => mesh.hasFallback()`.
   */
  readonly fallbackReady?: (mesh: Mesh) => boolean;
  /**
   * Tells whether a token is the global sidecar's. Default: none is, and reports in the fallback's
   * name are refused.
   */
  readonly fallbackToken?: FallbackToken;
  /**
   * The version of Istio that our own proxy runs, for workloads that have not told theirs yet: one
   * control plane injects all. What workloads of other namespaces say of theirs never counts for
   * them, since each can say what it likes. Default: none is known, and their namespace's versions
   * count.
   */
  readonly proxyVersion?: string;
  /**
   * By what istiods know us, so that they tell which proxies refuse their configuration. Default:
   * they are not asked.
   */
  readonly istiods?: IstiodCredentials;
  /** Sources of telemetry beside the access logs. Default: none. */
  readonly sources?: readonly TelemetrySource[];
  /** What kinds ask for numbers from outside of the mesh. Default: Prometheus, if configured. */
  readonly samples?: SampleSource;
  /** The kinds that it runs. Default: `DRIVERS`. The store must have them too. */
  readonly drivers?: Drivers;
}
