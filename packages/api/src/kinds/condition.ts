import { z } from "zod";
import type { FieldPath } from "../field-path.ts";
import { readTime } from "./read-time.ts";

/** Longest message that we write, in characters: each write of a status has it whole. */
export const LONGEST_MESSAGE = 1_024;

export const CONDITION_STATUSES = ["True", "False", "Unknown"] as const;
const STATUSES: ReadonlySet<unknown> = new Set(CONDITION_STATUSES);

/**
 * Something that is true of an object, or not, and why. Each kind has a closed set of types.
 *
 * @see
 * https://github.com/kubernetes/community/blob/master/contributors/devel/sig-architecture/api-conventions.md#typical-status-properties
 */
export interface Condition<Type extends string = string> {
  readonly type: Type;
  readonly status: (typeof CONDITION_STATUSES)[number];
  /** One word in camel case, for machines. */
  readonly reason: string;
  /** For people. */
  readonly message: string;
  /** When the status became what it is. */
  readonly lastTransitionTime: string;
  /** `metadata.generation` of the object that was judged; below it, the spec is newer. */
  readonly observedGeneration?: number | undefined;
}

/** A condition as it is judged, before it is known since when it is so. */
export type Judgement<Type extends string = string> = Omit<Condition<Type>, "lastTransitionTime">;

/** The schema of conditions of a kind, of these types and no others. */
export function conditionSchema<const Types extends readonly [string, ...string[]]>(types: Types) {
  return z.object({
    type: z.enum(types),
    status: z.enum(CONDITION_STATUSES),
    reason: z.string(),
    message: z.string(),
    lastTransitionTime: z.iso.datetime(),
    observedGeneration: z
      .int()
      .min(0)
      .optional()
      .describe("`metadata.generation` of the object that was judged; where that is higher now, the spec is newer than this condition."),
  });
}

/** Which spec a status, or a condition, is about. An object from a file has no generation. */
export function aboutGeneration({ generation }: { readonly generation?: number | undefined }): { readonly observedGeneration?: number } {
  return generation === undefined ? {} : { observedGeneration: generation };
}

/** A condition since when it is so: its time moves only when its status does. */
export function withTransition<Type extends string>(
  judgement: Judgement<Type>,
  previous: readonly Condition<Type>[] | undefined,
  now: number,
): Condition<Type> {
  const before = previous?.find(({ type }) => type === judgement.type);
  const isSame = before?.status === judgement.status;
  return { ...judgement, lastTransitionTime: isSame ? before.lastTransitionTime : new Date(now).toISOString() };
}

/** How a list of conditions is read. */
export interface ConditionsReading<Type extends string> {
  readonly types: ReadonlySet<Type>;
  /** Conditions that are looked at. */
  readonly most: number;
  /** Told of what cannot be read, and of how many conditions that is. */
  readonly leaveOut: (path: FieldPath, count?: number) => void;
}

/**
 * The conditions of a status, whatever it holds, each for itself. Never throws. Of several of one
 * type the first counts. By hand, without a schema: a list of thousands is read on the event
 * loop.
 */
export function readConditions<Type extends string>(value: unknown, reading: ConditionsReading<Type>): Condition<Type>[] | undefined {
  if (value === undefined || value === null) return undefined;
  const { types, most, leaveOut } = reading;
  if (!Array.isArray(value)) leaveOut(["conditions"]);
  const items: readonly unknown[] = Array.isArray(value) ? value : [];
  const conditions = new Map<Type, Condition<Type>>();
  for (const [index, item] of items.slice(0, most).entries()) {
    const condition = conditionOf(item, types);
    if (condition === undefined) leaveOut(["conditions", index]);
    else if (!conditions.has(condition.type)) conditions.set(condition.type, condition);
  }
  if (items.length > most) leaveOut(["conditions"], items.length - most);
  return [...conditions.values()];
}

/** Undefined when it is none of these types. */
function conditionOf<Type extends string>(item: unknown, types: ReadonlySet<Type>): Condition<Type> | undefined {
  if (typeof item !== "object" || item === null) return undefined;
  const { type, status, reason, message, observedGeneration, ...rest } = item as Condition<Type>;
  const lastTransitionTime = readTime(rest.lastTransitionTime);
  if (!types.has(type) || !STATUSES.has(status) || lastTransitionTime === undefined) return undefined;
  if (typeof reason !== "string" || typeof message !== "string") return undefined;
  const isGeneration = Number.isSafeInteger(observedGeneration) && Number(observedGeneration) >= 0;
  return { type, status, reason, message, lastTransitionTime, ...(isGeneration && { observedGeneration }) };
}

/** JSON path of a printer column that shows the status of a condition. */
export function conditionPath(type: string): string {
  return `.status.conditions[?(@.type=="${type}")].status`;
}

/** The same for its reason. */
export function reasonPath(type: string): string {
  return `.status.conditions[?(@.type=="${type}")].reason`;
}
