import { type FenceKey, type Labels, labelsDiffer } from "@fenceline/api";
import type { Mesh } from "../../mesh.ts";
import type { Workload } from "./read-edges.ts";

/**
 * The fences that select the pods of a workload in the metrics; none where that is not known.
 *
 * A fence selects pods by labels, and Istio's metrics have some of these: `source_app` is the label
 * `app`, `source_version` the label `version`, and `source_canonical_service` the first that exists
 * of `service.istio.io/canonical-name`, `app.kubernetes.io/name`, `app` and the workload's name.
 * All fences whose selectors these labels match are told of the calls, as for access logs. The
 * registry has no pods, so the owner of a pod cannot be looked up.
 *
 * Where no selector matches, a fence with the name of the canonical service, or of the workload, is
 * used, unless the known labels contradict its selector.
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
