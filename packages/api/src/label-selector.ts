/** Keys and selectors of labels as Kubernetes has them, with expressions. */
import { z } from "zod";
import type { Labels } from "./object.ts";

const PREFIX = "[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*";
const NAME = "[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?";

/** Most characters of a key's prefix and its name, and the slash between. */
const LONGEST = 253 + 1 + 63;

/**
 * The key of a label, as the API server takes it: a name, with a DNS name and a slash in front
 * where it has a prefix. An expression alone: Helm reads it, too.
 */
export const LabelKey = z
  .string()
  .max(LONGEST)
  .regex(
    new RegExp(`^(?:${PREFIX}/)?${NAME}$`),
    "not the key of a label: at most 63 letters, digits, '-', '_' and '.', with a DNS name and '/' in front at will",
  );

const LabelValue = z
  .string()
  .max(63)
  .regex(
    /^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/,
    "not the value of a label: at most 63 letters, digits, '-', '_' and '.', with a letter or a digit at both ends",
  );

/** An expression, as core/v1 has it: `In` and `NotIn` name values, the other two none. */
const Requirement = z.union([
  z.strictObject({ key: LabelKey, operator: z.enum(["In", "NotIn"]), values: z.array(LabelValue).min(1) }),
  z.strictObject({ key: LabelKey, operator: z.enum(["Exists", "DoesNotExist"]), values: z.array(LabelValue).max(0).optional() }),
]);

/** Labels and expressions that must all hold. An empty one takes everything. */
export const LabelSelector = z.strictObject({
  matchLabels: z.record(LabelKey, LabelValue).optional(),
  matchExpressions: z.array(Requirement).optional(),
});
export type LabelSelector = z.infer<typeof LabelSelector>;

/** Whether a selector takes something with these labels, as Kubernetes judges it. */
export function takesLabels({ matchLabels = {}, matchExpressions = [] }: LabelSelector, labels: Labels): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) && matchExpressions.every((each) => holds(each, labels))
  );
}

/** `NotIn` also holds where the label is missing. */
function holds(requirement: z.infer<typeof Requirement>, labels: Labels): boolean {
  const value = Object.hasOwn(labels, requirement.key) ? labels[requirement.key] : undefined;
  switch (requirement.operator) {
    case "In":
      return value !== undefined && requirement.values.includes(value);
    case "NotIn":
      return value === undefined || !requirement.values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
  }
}
