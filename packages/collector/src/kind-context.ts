import type { Config } from "@fenceline/api";
import type { DrivenKind, Runs } from "@fenceline/control";
import type { Store } from "@fenceline/store";
import type { Logger } from "pino";
import type { FenceTelemetry } from "./fence-telemetry.ts";
import type { Mesh } from "./mesh.ts";
import type { CollectorMetrics } from "./metrics.ts";
import type { ProxiesOf } from "./sources/istiods/proxy-syncs.ts";

/** Numbers from outside of the mesh, such as those of Prometheus. */
export interface SampleSource {
  /**
   * The current result of a query; undefined when it has no number. Rejects when there is no
   * answer.
   *
   * @param signal aborts the query
   */
  query(text: string, signal: AbortSignal): Promise<number | undefined>;
}

/** What a kind in a collector is made from: what it can read, and how it asks for runs. */
export interface KindContext {
  readonly store: Pick<
    Store,
    "snapshot" | "objectOf" | "ownedBy" | "goneOwners" | "foreign" | "sidecars" | "unread" | "pods" | "installation"
  >;
  readonly mesh: () => Mesh;
  readonly config: Config;
  readonly runs: Runs;
  readonly telemetry: FenceTelemetry;
  readonly metrics: CollectorMetrics;
  readonly logger: Logger;
  /**
   * A kind queries them in its triggers, and keeps the answers, since what is observed is in
   * memory. Undefined where there is nothing to query, as for `fenceline render`.
   */
  readonly samples: SampleSource | undefined;
  /**
   * Values by name that replace all measured ones, as `fenceline render --metrics` gives them.
   * Undefined where values are measured.
   */
  readonly givenValues: ReadonlyMap<string, number> | undefined;
  /** What istiods report about the proxies of some pods. Undefined where they are not asked. */
  readonly proxies?: ProxiesOf | undefined;
  /** Milliseconds of the wall clock. */
  readonly now: () => number;
  /**
   * Whether this replica alone ages and renders. The others only learn, and write what they learned
   * into statuses.
   */
  readonly leads: () => boolean;
  /** Whether the fallback can answer. */
  readonly fallbackReady: (mesh: Mesh) => boolean;
}

/** Makes the code for one kind. */
export type KindMaker = (context: KindContext) => DrivenKind;
