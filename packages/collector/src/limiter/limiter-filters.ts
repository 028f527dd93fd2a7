/** Which EnvoyFilters of a limiter exist, by what was read back. */
import { isDeepStrictEqual } from "node:util";
import type { Labels, RenderedObject } from "@fenceline/api";
import type { LimiterSeen, WantedLimits } from "./limiter-seen.ts";
import { limitsName } from "./limits-name.ts";

/** Whether the EnvoyFilter exists, selects these pods and patches something, even an older one. */
export function hasLimits(present: readonly RenderedObject[], name: string, labels: Labels): boolean {
  return present.some(
    (object) =>
      object.kind === "EnvoyFilter" &&
      object.metadata.name === name &&
      object.spec.configPatches.length > 0 &&
      isDeepStrictEqual(object.spec.workloadSelector?.labels, labels),
  );
}

/** EnvoyFilters that should exist and do not. */
export function missingFilters({ limiter, wanted, present }: LimiterSeen): readonly string[] {
  return wanted.filter(limits).flatMap(({ owner, labels }) => {
    const name = limitsName(limiter.metadata, owner.set);
    return hasLimits(present, name, labels) ? [] : [name];
  });
}

/** EnvoyFilters of other limiters that have to go before those of this one are written. */
export function leftFilters({ wanted }: LimiterSeen): readonly string[] {
  return [...new Set(wanted.filter(limits).flatMap(({ left }) => left))];
}

/** EnvoyFilters that exist and should not any more. */
export function remainingFilters({ limiter, wanted, present }: LimiterSeen): readonly string[] {
  const names = new Set(wanted.filter(limits).map(({ owner }) => limitsName(limiter.metadata, owner.set)));
  return present.map(({ metadata: { name } }) => name).filter((name) => !names.has(name));
}

function limits({ decisions }: WantedLimits): boolean {
  return decisions.some(({ isActive }) => isActive);
}
