import { type Condition, withTransition } from "./condition.ts";
import type { OwnKind } from "./kind.ts";

const WITHDRAWN = {
  reason: "Withdrawn",
  message: "Fenceline was uninstalled: nothing is rendered for this object any more, and nobody looks at it",
} as const;

/**
 * A JSON merge patch of the status of an object of ours once all that was rendered is gone, and
 * nobody is left who would say so. What was learned stays. Undefined where the status says nothing
 * that would be wrong then.
 *
 * @param value the status, whatever it is
 * @param now milliseconds of the wall clock
 */
export function withdrawnStatus(
  { readStatus, inForce }: Pick<OwnKind, "readStatus" | "inForce">,
  value: unknown,
  now: number,
): Readonly<Record<string, unknown>> | undefined {
  const { conditions } = readStatus(value).status as { readonly conditions?: readonly Condition[] };
  const fields = (inForce?.fields ?? []).filter((field) => Object.hasOwn(Object(value) as object, field));
  if (conditions === undefined && fields.length === 0) return undefined;
  const told = conditions?.map(({ type, observedGeneration }) => {
    const status = inForce?.conditions.includes(type) === true ? "False" : "Unknown";
    return withTransition({ type, status, ...WITHDRAWN, ...(observedGeneration !== undefined && { observedGeneration }) }, conditions, now);
  });
  return { ...Object.fromEntries(fields.map((field) => [field, null])), ...(told && { conditions: told }) };
}
