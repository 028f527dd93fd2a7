import { type FenceKey, fenceKeyOf, fenceRef } from "@fenceline/api";
import type { Controller } from "@fenceline/control";
import type { DesiredFence } from "../fence/desired-fence.ts";
import { type ResetSource, resetSource } from "../fence/reset-source.ts";
import type { FenceTelemetry } from "../fence-telemetry.ts";
import type { KindContext } from "../kind-context.ts";
import type { ExportSource } from "./export-steps.ts";
import type { ReportSource } from "./report-views.ts";
import type { FenceReader } from "./views.ts";

/** What the HTTP API reads of a collector, and calls. */
export interface ApiSources {
  readonly reader: FenceReader;
  readonly exported: ExportSource;
  readonly reported: ReportSource;
  readonly resets: ResetSource;
}

/** What {@link ApiSources} are made from. */
export interface ApiParts extends Pick<KindContext, "mesh" | "now" | "leads" | "logger"> {
  readonly telemetry: Pick<FenceTelemetry, "book">;
  readonly runs: Pick<Controller, "desired" | "enqueue">;
  readonly serviceAccountOf: ExportSource["serviceAccountOf"];
}

export function apiSources({ telemetry: { book }, serviceAccountOf, ...parts }: ApiParts): ApiSources {
  const { mesh, runs } = parts;
  const fences = () => mesh().fences().map(fenceKeyOf);
  const look = (key: FenceKey) => runs.desired(fenceRef(key)) as DesiredFence | undefined;
  /** A fence as it is now, including times and counts. */
  const describe: FenceReader["describe"] = (key) => {
    const fence = mesh().fence(key);
    const desired = look(key);
    return fence === undefined || desired === undefined ? undefined : { fence, status: desired.status };
  };
  return {
    reader: { fences, describe, edgeFences: () => book.fences(), edgesOf: (key) => book.of(key)?.hosts() ?? [] },
    exported: { fences, describe, mesh, serviceAccountOf },
    reported: { fences, look, mesh },
    resets: resetSource({ ...parts, book }),
  };
}
