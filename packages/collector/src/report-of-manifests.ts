import { type AnyObject, type Config, type FenceKey, fenceKeyOf, fenceRef } from "@fenceline/api";
import { desiredOf } from "@fenceline/control";
import { serviceFences } from "./fence/service-fences.ts";
import { contextOfManifests } from "./manifest-context.ts";
import { type ReportView, reportInSteps, reportSteps } from "./routes/report-views.ts";

/** Which reports are wanted. */
export interface ReportRequest {
  /** Report only this fence, with the names of hosts. */
  readonly fence?: FenceKey | undefined;
  /** Whether hidden hosts are named, too. Default: only their number. */
  readonly hidden?: boolean;
  /** Report only fences of this namespace. Default: all. */
  readonly namespace?: string | undefined;
  /** Milliseconds of the wall clock, for deadlines. */
  readonly now: number;
}

/**
 * The reports of the fences among some objects, from their statuses: what they have learned, and a
 * collector's conditions. No condition is judged anew, since it is not known here what is rendered.
 */
export function reportOfManifests(
  objects: readonly AnyObject[],
  config: Config,
  { fence, hidden = false, namespace, now }: ReportRequest,
): readonly ReportView[] {
  const context = contextOfManifests(objects, config, now);
  const { reconciler, triggers } = serviceFences(context);
  const mesh = context.mesh();
  for (const each of mesh.fences()) triggers.open(each);
  const source = {
    fences: () => mesh.fences().map(fenceKeyOf),
    look(key: FenceKey) {
      const seen = desiredOf(reconciler, fenceRef(key))?.seen;
      return seen && { seen, status: seen.stored };
    },
    mesh: () => mesh,
  };
  const page = { limit: Number.POSITIVE_INFINITY, namespace, after: undefined, chosen: {} };
  if (fence === undefined) return [...reportSteps(source, page)].flatMap((step) => step.map(({ value }) => value as ReportView));
  const steps = reportInSteps(source, fence, hidden ? "All" : "Shown");
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value === undefined ? [] : [value];
  }
}
