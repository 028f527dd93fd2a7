import { type FenceKey, type Labels, labelsDiffer } from "@fenceline/api";
import type { Mesh } from "../../mesh.ts";
import type { Workload } from "./read-edges.ts";

/**
 * The fences whose pods a workload of the metrics has: none where that cannot be told.
 *
 * A fence is for pods with certain labels, and Istio's metrics repeat some of these: `source_app`
 * is the label `app`, `source_version` the label `version`, and `source_canonical_service` the
 * first that is there of `service.istio.io/canonical-name`, `app.kubernetes.io/name`, `app` and
 * the workload's name. All fences whose selectors these satisfy hear of the calls, as they do of
 * access logs. The registry has no pods, so the owner of a pod cannot be asked.
 *
 * Where no selector is satisfied, a fence that bears the name of the canonical service, or of the
 * workload, is taken, unless the labels that are known contradict its selector.
 */
export function fencesOfWorkload(workload: Workload, mesh: Mesh): readonly FenceKey[] {
  const { namespace, name, canonicalService } = workload;
  const labels = labelsOf(workload);
  const selected = mesh.fencesOfPod(namespace, labels);
  if (selected.length > 0) return selected;
  for (const called of [canonicalService, name]) {
    const key = { namespace, name: called };
    const fence = called === "" ? undefined : mesh.fence(key);
    const wanted = fence && mesh.labelsOf(fence);
    if (wanted !== undefined && !labelsDiffer(wanted, labels)) return [key];
  }
  return [];
}

function labelsOf({ app, version, canonicalService }: Workload): Labels {
  return {
    ...(app !== "" && { app }),
    ...(version !== "" && { version }),
    ...(canonicalService !== "" && { "app.kubernetes.io/name": canonicalService, "service.istio.io/canonical-name": canonicalService }),
  };
}
