/** Which fences a change affects because they are, or may be, for the same pods. */
import { isDeepStrictEqual } from "node:util";
import { fenceKeyOf, fenceMode, fenceRef, hasLabels, type Labels, type ObjectRef, SERVICE_FENCE, type ServiceFence } from "@fenceline/api";
import { selectorFault } from "@fenceline/render/reach";
import type { MeshChanges } from "@fenceline/store";
import type { FenceOfPods } from "../fence-table.ts";
import type { Mesh } from "../mesh.ts";
import type { FenceStreams } from "../sources/access-logs/fence-streams.ts";
import { podsChanged, tellsOf } from "./workload-services.ts";

/** The part of a {@link Mesh} that is used. */
type Asked = Pick<Mesh, "labelsOf" | "fencesBesides" | "fencesIn" | "registry">;

/**
 * Fences that may select pods of this one, including itself. One with a selector that names no
 * workload is for those of the former one, which only it tells: that may be any of the namespace.
 */
export function fencesBeside(fence: ServiceFence, mesh: Asked): readonly ObjectRef[] {
  const labels = mesh.labelsOf(fence);
  if (labels === undefined) return [];
  const { namespace } = fence.metadata;
  if (selectorFault(labels) !== undefined) return mesh.fencesIn(namespace).map((each) => fenceRef(fenceKeyOf(each)));
  return mesh.fencesBesides(namespace, labels).map(refOfFence);
}

/** Fences for the same pods as one that came, went, was switched, or selects other pods now. */
export function* fencesOfPodsOf(changes: MeshChanges, mesh: Asked): Generator<ObjectRef> {
  for (const { before, after } of changes.of(SERVICE_FENCE)) {
    const sides = [before, after].filter((fence) => fence !== undefined);
    const [one, other] = sides.map((fence): [boolean, Labels | undefined] => [fenceMode(fence.spec) === "Off", mesh.labelsOf(fence)]);
    if (before !== undefined && after !== undefined && isDeepStrictEqual(one, other)) continue;
    for (const fence of sides) yield* fencesBeside(fence, mesh);
  }
}

/** Fences for whose pods Services show something else: whether they exist, or other labels. */
export function* fencesToldOf(changes: MeshChanges, mesh: Asked): Generator<ObjectRef> {
  for (const { namespace, selector } of podsChanged(changes, mesh))
    for (const each of mesh.fencesBesides(namespace, selector)) if (tellsOf(selector, each.labels)) yield refOfFence(each);
}

/**
 * Labels of the open streams of pods with these labels. A stream that was opened before a fence was
 * made is not attributed to it until the next call, so streams of the fences beside it count too.
 */
export function podsByStreams(
  streams: Pick<FenceStreams, "podsOf">,
  mesh: Pick<Mesh, "fencesBesides">,
  namespace: string,
  labels: Labels,
): readonly Labels[] {
  const known = mesh.fencesBesides(namespace, labels).flatMap(({ fence }) => streams.podsOf(fenceKeyOf(fence)));
  return known.filter((pod) => hasLabels(pod, labels));
}

function refOfFence({ fence }: FenceOfPods): ObjectRef {
  return fenceRef(fenceKeyOf(fence));
}
