import { type AnyObject, type Config, FencelineError, type ObjectRef, type RenderedObject, refText } from "@fenceline/api";
import { desiredOf, plan } from "@fenceline/control";
import type { KindContext, KindMaker } from "./kind-context.ts";
import { DRIVERS, type Drivers } from "./kinds.ts";
import { contextOfManifests } from "./manifest-context.ts";

/** What is rendered for the objects of some manifests, and what is not. */
export interface DesiredOfManifests {
  /** In the order in which they are applied. */
  readonly objects: readonly RenderedObject[];
  /** Objects of ours for which nothing is rendered though they ask for it. */
  readonly refused: readonly FencelineError[];
}

/**
 * What would be rendered in a mesh that has these objects and no others, with a fallback that is
 * ready. What an object has learned stands in its status.
 *
 * @param now milliseconds of the wall clock, for deadlines
 * @param drivers the kinds that are rendered. Default: {@link DRIVERS}
 */
export function desiredOfManifests(
  objects: readonly AnyObject[],
  config: Config,
  now: number,
  drivers: Drivers = DRIVERS,
): DesiredOfManifests {
  const context = contextOfManifests(objects, config, now);
  const all = Object.values(drivers).map((make) => desiredOfKind(make, context));
  return { objects: all.flatMap((each) => each.objects), refused: all.flatMap((each) => each.refused) };
}

/** Observe, desired and plan, as a controller calls them, for the objects of a kind by their names. */
function desiredOfKind(make: KindMaker, context: KindContext): DesiredOfManifests {
  const { kind, reconciler, triggers } = make(context);
  const own = context.store.snapshot().of(kind);
  for (const object of own) triggers?.open?.(object);
  const refs = own.map(({ metadata: { namespace, name } }): ObjectRef => ({ kind: kind.name, namespace, name }));
  const outcomes = refs.sort((a, b) => (refText(a) < refText(b) ? -1 : 1)).map((of) => ({ of, ...desiredOf(reconciler, of) }));
  return {
    objects: outcomes
      .flatMap(({ of, objects = [] }) => plan(of, [], objects))
      .flatMap((change) => (change.action === "create" ? change.object : [])),
    refused: outcomes.flatMap(({ of, refused }) => {
      if (refused === undefined) return [];
      const message = `${refused.reason}: ${refused.message}`;
      return new FencelineError(`${kind.errorPrefix}_NOT_RENDERED`, { at: { object: refText(of) }, message });
    }),
  };
}
