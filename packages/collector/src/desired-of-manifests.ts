import {
  type Config,
  FencelineError,
  type KnownObject,
  type ObjectRef,
  OWN_KINDS,
  type OwnKind,
  type OwnObject,
  type RenderedObject,
  refText,
} from "@fenceline/api";
import { type Desired, desiredOf } from "@fenceline/control";
import { type MeshSnapshot, ownObjects } from "@fenceline/store";
import { fencesOfManifests } from "./fence/fences-of-manifests.ts";
import { Mesh } from "./mesh.ts";

/** What is rendered for the objects of some manifests, and what is not. */
export interface DesiredOfManifests {
  /** In the order in which they are applied. */
  readonly objects: readonly RenderedObject[];
  /** Objects of ours for which nothing is rendered though they ask for it. */
  readonly refused: readonly FencelineError[];
}

/** What one object asks for; undefined when it does not exist. */
type DesiredOf = (of: ObjectRef) => Desired<unknown> | undefined;

/** One line for each kind of ours: its reconciler where there is nothing but manifests. */
const RECONCILERS: { readonly [kind in (typeof OWN_KINDS)[number]["name"]]: (...given: [Mesh, Config, number]) => DesiredOf } = {
  ServiceFence: (...given) => {
    const reconciler = fencesOfManifests(...given);
    return (of) => desiredOf(reconciler, of);
  },
};

/**
 * What would be rendered in a mesh that has these objects and no others, with a fallback that is
 * ready. What an object has learned stands in its status.
 *
 * @param now milliseconds of the wall clock, for deadlines
 */
export function desiredOfManifests(objects: readonly KnownObject[], config: Config, now: number): DesiredOfManifests {
  const mesh = new Mesh(snapshotOf(objects), config);
  const outcomes = OWN_KINDS.flatMap((kind) => {
    const desired = RECONCILERS[kind.name](mesh, config, now);
    return refsOf(kind, objects).map((of) => ({ kind, of, ...desired(of) }));
  });
  return {
    objects: outcomes.flatMap((outcome) => outcome.objects ?? []),
    refused: outcomes.flatMap(({ kind, of, refused }) => {
      if (refused === undefined) return [];
      const message = `${refused.reason}: ${refused.message}`;
      return new FencelineError(`${kind.errorPrefix}_NOT_RENDERED`, { at: { object: refText(of) }, message });
    }),
  };
}

/** In the order of their names. */
function refsOf({ name: kind }: OwnKind, objects: readonly KnownObject[]): readonly ObjectRef[] {
  const own = objects.filter((object) => object.kind === kind) as readonly OwnObject[];
  const refs = own.map(({ metadata: { namespace, name } }) => ({ kind, namespace, name }));
  return refs.sort((a, b) => (refText(a) < refText(b) ? -1 : 1));
}

/** A mesh that has these objects and no others. */
export function snapshotOf(objects: readonly KnownObject[]): MeshSnapshot {
  return {
    namespaces: objects.filter((object) => object.kind === "Namespace"),
    services: objects.filter((object) => object.kind === "Service"),
    endpointSlices: objects.filter((object) => object.kind === "EndpointSlice"),
    of: ownObjects(objects.filter((object) => object.kind === "ServiceFence")),
  };
}
