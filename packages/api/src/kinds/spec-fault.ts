/** What becomes of an object of ours whose spec cannot be read: its status says so. */

import { aboutGeneration, type Condition, withTransition } from "./condition.ts";
import type { OwnKind } from "./kind.ts";

/** Why the spec of an object cannot be read. */
export interface SpecFault {
  /** Field and reason of the first faults. */
  readonly message: string;
  /** `metadata.generation` of the version that cannot be read; undefined where there is none. */
  readonly generation: number | undefined;
  /** The object's status, as far as it can be read. */
  readonly status: object;
}

type WithConditions = { readonly conditions?: readonly Condition[] };

/**
 * A status that says that the spec cannot be read, and else what it said before. Undefined where
 * the kind has no condition for it.
 */
export function statusOfFault(
  { faultCondition, acceptedCondition }: Pick<OwnKind, "faultCondition" | "acceptedCondition">,
  status: object,
  fault: SpecFault,
  now: number,
): object | undefined {
  if (faultCondition === undefined) return undefined;
  const { message } = fault;
  const judgement = {
    type: faultCondition,
    status: "False",
    reason: "SpecInvalid",
    message: `${message}; what was rendered before stays in force`,
    ...aboutGeneration(fault),
  } as const;
  const stored = (fault.status as WithConditions).conditions;
  const accepted = acceptedCondition === undefined ? [] : [{ ...judgement, type: acceptedCondition, message }];
  const judged = [judgement, ...accepted].map((each) => withTransition<string>(each, stored, now));
  const others = ((status as WithConditions).conditions ?? []).filter(({ type }) => !judged.some((each) => each.type === type));
  return { ...status, conditions: [...judged, ...others] };
}

/** Whether the status of an object says of its fault what is true. */
export function tellsFault({ faultCondition }: Pick<OwnKind, "faultCondition">, fault: SpecFault): boolean {
  const told = (fault.status as WithConditions).conditions?.find(({ type }) => type === faultCondition);
  const wanted = `${fault.message};`;
  return told?.reason === "SpecInvalid" && told.message.startsWith(wanted) && told.observedGeneration === fault.generation;
}
