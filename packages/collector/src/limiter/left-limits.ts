/** EnvoyFilters that other limiters left for the pods of a limiter. */
import { type EnvoyFilter, labelsDiffer, type ObjectRef, type RenderedObject, refText, SMART_LIMITER } from "@fenceline/api";
import { type LimitGroup, LOCAL_LIMIT_NAME, labelsText } from "@fenceline/render/limiter";
import type { Store } from "@fenceline/store";
import type { LimitedNamespace } from "./limited-namespace.ts";
import { hasLimits } from "./limiter-filters.ts";
import { limitsName } from "./limits-name.ts";

/** Where {@link limitsLeft} looks. */
export interface LeftLimitsIn {
  readonly store: Pick<Store, "ownedBy" | "goneOwners">;
  readonly known: LimitedNamespace;
}

/**
 * EnvoyFilters of other limiters, which do not want them for these pods any more, that still limit
 * calls of a group's pods: `a.test1.ratelimit of SmartLimiter a`. A second one beside them would
 * count each call twice, so that of the group is written once they are gone. Finalizers may hold
 * that up.
 */
export function limitsLeft(of: ObjectRef, group: LimitGroup, { store, known }: LeftLimitsIn): readonly string[] {
  const gone = store.goneOwners(SMART_LIMITER).filter(({ namespace }) => namespace === of.namespace);
  // Whose own is there already waited for them before.
  const isWritten = hasLimits(store.ownedBy(of), limitsName(of, group.owner.set), group.owner.labels);
  const there = isWritten ? [] : known.names().map((name) => ({ ...of, name }));
  const owners = new Map([...gone, ...there].map((owner) => [refText(owner), owner]));
  owners.delete(refText(of));
  return [...owners.values()].flatMap((owner) => {
    const objects = store.ownedBy(owner).filter((object) => isFor(object, group));
    const wanted = objects.length === 0 ? undefined : wantedLabels(owner, known);
    const isWanted = ({ metadata: { name }, spec }: EnvoyFilter) => wanted?.get(name) === labelsText(spec.workloadSelector?.labels ?? {});
    return objects.flatMap((object) => (isWanted(object) ? [] : `${object.metadata.name} of SmartLimiter ${owner.name}`));
  });
}

function isFor(object: RenderedObject, { owner, filterName }: LimitGroup): object is EnvoyFilter {
  if (object.kind !== "EnvoyFilter" || object.spec.configPatches.length === 0) return false;
  const labels = object.spec.workloadSelector?.labels ?? {};
  // For some of the pods, one filter of this name is enough to be in its way.
  return labelsText(labels) === labelsText(owner.labels) || (filterName === LOCAL_LIMIT_NAME && !labelsDiffer(labels, owner.labels));
}

/** The EnvoyFilters that a limiter should have, by name. */
function wantedLabels({ namespace, name }: ObjectRef, known: LimitedNamespace): ReadonlyMap<string, string> {
  const own = known.groupsOf(name).filter(({ owner }) => owner.limiter === name);
  return new Map(own.map(({ owner }) => [limitsName({ namespace, name }, owner.set), labelsText(owner.labels)]));
}
