import { type Config, FencelineError, type KnownObject, type RenderedObject, type ServiceFence } from "@fenceline/api";
import { FenceEdges } from "@fenceline/edges";
import { RecordedLookup } from "@fenceline/registry";
import type { MeshSnapshot } from "@fenceline/store";
import { desiredFence } from "./fence/desired-fence.ts";
import { ageingPolicy, takeOver } from "./fence/take-over.ts";
import { Mesh } from "./mesh.ts";

/** What is rendered for the objects of some manifests, and what is not. */
export interface DesiredOfManifests {
  /** In the order in which they are applied. */
  readonly objects: readonly RenderedObject[];
  /** Objects of ours for which nothing is rendered though they ask for it. */
  readonly refused: readonly FencelineError[];
}

/**
 * What would be rendered in a mesh that has these objects and no others, with a fallback that is
 * ready. What a fence has learned stands in its status.
 *
 * @param now milliseconds of the wall clock, for deadlines
 */
export function desiredOfManifests(objects: readonly KnownObject[], config: Config, now: number): DesiredOfManifests {
  const mesh = new Mesh(snapshotOf(objects), config);
  const rendered: RenderedObject[] = [];
  const refused: FencelineError[] = [];
  for (const fence of mesh.fences()) {
    const desired = desiredOf(fence, mesh, config, now);
    rendered.push(...desired.objects);
    if (!("refused" in desired.rendered)) continue;
    const { namespace, name } = fence.metadata;
    const { reason, message } = desired.rendered.refused;
    const details = { at: { object: `ServiceFence ${namespace}/${name}` }, message: `${reason}: ${message}` };
    refused.push(new FencelineError("FENCE_NOT_RENDERED", details));
  }
  return { objects: rendered, refused };
}

function desiredOf(fence: ServiceFence, mesh: Mesh, config: Config, now: number) {
  const edges = new FenceEdges(ageingPolicy(fence, config, mesh.registry));
  takeOver(edges, fence, mesh.registry, now);
  return desiredFence({
    fence,
    edges,
    previous: fence.status,
    stored: fence.status,
    registry: new RecordedLookup(mesh.registry),
    config: mesh.config,
    present: [],
    foreign: [],
    fallbackReady: true,
    proxyVersions: [],
    obstacles: [],
    leads: true,
    now,
  });
}

/** A mesh that has these objects and no others. */
export function snapshotOf(objects: readonly KnownObject[]): MeshSnapshot {
  return {
    namespaces: objects.filter((object) => object.kind === "Namespace"),
    services: objects.filter((object) => object.kind === "Service"),
    endpointSlices: objects.filter((object) => object.kind === "EndpointSlice"),
    fences: objects.filter((object) => object.kind === "ServiceFence"),
  };
}
