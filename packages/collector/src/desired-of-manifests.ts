import {
  type AnyObject,
  type Config,
  compareText,
  describeObject,
  FencelineError,
  type ObjectRef,
  type RenderedObject,
  refOf,
  refText,
} from "@fenceline/api";
import { type Desired, type DrivenKind, desiredOf, plan } from "@fenceline/control";
import type { KindContext, KindMaker } from "./kind-context.ts";
import { DRIVERS, type Drivers } from "./kinds.ts";
import { contextOfManifests } from "./manifest-context.ts";

/** The result of rendering the objects of some manifests. */
export interface DesiredOfManifests {
  /** In the order in which they are applied. */
  readonly objects: readonly RenderedObject[];
  /** Objects of ours for which nothing is rendered, though they ask for it. */
  readonly refused: readonly FencelineError[];
}

/**
 * What would be rendered in a mesh that has exactly these objects and a fallback that is ready.
 * What an object has learned is in its status.
 *
 * @param now milliseconds of the wall clock, for deadlines
 * @param drivers the kinds that are rendered. Default: {@link DRIVERS}
 * @param values used instead of measured ones. Default: none are known
 */
export function desiredOfManifests(
  objects: readonly AnyObject[],
  config: Config,
  now: number,
  drivers: Drivers = DRIVERS,
  values?: ReadonlyMap<string, number>,
): DesiredOfManifests {
  const outcomes = outcomesOf(contextOfManifests(objects, config, now, values), drivers);
  return { objects: outcomes.flatMap((each) => each.objects), refused: outcomes.flatMap(refusalOf) };
}

/** What is rendered for one object of ours, or why nothing is. */
interface Outcome extends Pick<Desired<unknown>, "objects" | "refused"> {
  readonly of: ObjectRef;
  readonly kind: Pick<DrivenKind["kind"], "errorPrefix">;
}

/** What is rendered for each object of ours: by kind, and by name. */
export function outcomesOf(context: KindContext, drivers: Drivers): readonly Outcome[] {
  const all = Object.values(drivers).flatMap((make) => outcomesOfKind(make, context));
  const contested = contestedIn(all);
  return all.map((outcome) => withoutContested(outcome, contested));
}

/** Calls observe, desired and plan, as a controller does, for the objects of one kind, by name. */
function outcomesOfKind(make: KindMaker, context: KindContext): readonly Outcome[] {
  const { kind, reconciler, triggers } = make(context);
  const own = context.store.snapshot().of(kind);
  for (const object of own) triggers?.open?.(object);
  const refs = own.map((object) => refOf(kind.name, object));
  return refs
    .sort((a, b) => compareText(refText(a), refText(b)))
    .map((of) => {
      const { objects = [], refused } = desiredOf(reconciler, of) ?? {};
      const created = plan(of, [], objects).flatMap((change) => (change.action === "create" ? change.object : []));
      return { of, kind, objects: created, ...(refused && { refused }) };
    });
}

/** Objects that several of ours ask for, with the names of all that do. */
function contestedIn(outcomes: readonly Outcome[]): ReadonlyMap<string, readonly string[]> {
  const askers = new Map<string, string[]>();
  for (const { of, objects } of outcomes)
    for (const object of objects) {
      const id = describeObject(object);
      askers.set(id, [...(askers.get(id) ?? []), refText(of)]);
    }
  return new Map([...askers].filter(([, owners]) => owners.length > 1));
}

/**
 * In a mesh the first owner gets the object. Manifests do not tell which one is first, so it is
 * rendered for none of them.
 */
function withoutContested(outcome: Outcome, contested: ReadonlyMap<string, readonly string[]>): Outcome {
  const object = outcome.objects.map(describeObject).find((id) => contested.has(id));
  if (object === undefined) return outcome;
  const message = `${object} is asked for by ${contested.get(object)?.join(" and ")}: rename all but one of them`;
  return { ...outcome, objects: [], refused: { reason: "Conflict", message } };
}

function refusalOf({ of, kind, refused }: Outcome): readonly FencelineError[] {
  if (refused === undefined) return [];
  const message = `${refused.reason}: ${refused.message}`;
  return [new FencelineError(`${kind.errorPrefix}_NOT_RENDERED`, { at: { object: refText(of) }, message })];
}
