import { z } from "zod";
import { type Condition, conditionSchema, readConditions } from "./condition.ts";
import { Struct } from "./fields.ts";
import type { StatusReading } from "./kind.ts";
import { LeftOut } from "./left-out.ts";

export const LIMITER_CONDITION_TYPES = [
  "Accepted",
  "ResolvedRefs",
  "Rendered",
  "AcceptedByProxies",
  "Active",
  "Stale",
  "StatusComplete",
] as const;
export type LimiterConditionType = (typeof LIMITER_CONDITION_TYPES)[number];
export type LimiterCondition = Condition<LimiterConditionType>;

const TYPES: ReadonlySet<LimiterConditionType> = new Set(LIMITER_CONDITION_TYPES);

const RuleStatus = z.object({
  set: z.string().describe("The set of the rule."),
  rule: z.string().describe("Its name, or its place in the set."),
  active: z.boolean().describe("Whether it limits calls now."),
  quota: z.int().min(0).optional().describe("Requests per interval that each proxy, or all of them, let through."),
  reason: z.string().describe("The reason: Followed, Held, NoValues or Stale."),
  message: z.string().optional().describe("Details of the reason."),
});
export type LimitRuleStatus = z.infer<typeof RuleStatus>;

export const SmartLimiterStatus = z.object({
  observedGeneration: z.int().min(0).optional().describe("The generation that the status is about."),
  quotas: z.string().optional().describe("Quotas in force, for people."),
  rules: z.array(RuleStatus).optional().describe("What is in force, rule by rule."),
  metricStatus: z.record(z.string(), z.string()).optional().describe("Values behind the last change."),
  ratelimitStatus: Struct.optional().describe("Rules in force, as in Slime's status: by set, with their quotas as numbers."),
  conditions: z.array(conditionSchema(LIMITER_CONDITION_TYPES)).optional().describe("What is true of the limiter."),
});
export type SmartLimiterStatus = z.infer<typeof SmartLimiterStatus>;

/** Reads a status, each field for itself. Never throws. */
export function readLimiterStatus(
  value: unknown,
  _previous?: SmartLimiterStatus,
  most = Number.POSITIVE_INFINITY,
): StatusReading<SmartLimiterStatus> {
  const leftOut = new LeftOut();
  const { conditions: list, ...rest } = (typeof value === "object" && value !== null ? value : {}) as Readonly<Record<string, unknown>>;
  const fields = Object.entries(SmartLimiterStatus.shape)
    .filter(([name]) => name !== "conditions" && rest[name] !== undefined && rest[name] !== null)
    .flatMap(([name, schema]) => {
      const { success, data } = schema.safeParse(rest[name]);
      if (!success) leftOut.add([name]);
      return success ? [[name, data] as const] : [];
    });
  const conditions = readConditions(list, { types: TYPES, most, leaveOut: (path, count) => leftOut.add(path, count) });
  return { status: { ...(Object.fromEntries(fields) as SmartLimiterStatus), ...(conditions && { conditions }) }, ...leftOut.reading() };
}
