import { z } from "zod";
import { type Condition, conditionSchema } from "./condition.ts";

/** `required`: proxies need it, whatever their workloads call; see `requiredBy`. */
export const HOST_SOURCES = ["static", "learned", "preloaded", "imported", "required"] as const;
export type HostSource = (typeof HOST_SOURCES)[number];

/** Slime's states of a host, as text. */
export const DOMAIN_STATES = ["ACTIVE", "EXPIRE", "EXPIREWAIT"] as const;

/**
 * One entry of `status.domains`: Slime's two fields, and ours behind them. Slime writes its enum as
 * text or as number.
 */
export const DomainStatus = z.object({
  hosts: z.array(z.string()).nullish(),
  status: z.union([z.enum(DOMAIN_STATES), z.int()]).nullish(),
  source: z.enum(HOST_SOURCES).optional().describe("How the host came into the fence."),
  firstSeen: z.iso.datetime().optional().describe("When it was first called. For static hosts: never, unless it was called."),
  lastSeen: z.iso.datetime().optional().describe("When it was last called; written at most every tenth of the idle window."),
  requests: z
    .int()
    .min(0)
    .optional()
    .describe(
      "Requests seen since `firstSeen`; lower than the truth where access logs are sampled or lost, higher by first calls that one replica heard of from the proxy and another from the fallback.",
    ),
  ports: z.array(z.int()).optional().describe("Service ports that were called."),
  idleWindow: z
    .string()
    .optional()
    .describe(
      "How long it may go unseen, in observed time, if that differs from the fence's idle window: `warmUp.for` of a preloaded host.",
    ),
  requiredBy: z
    .array(z.string())
    .optional()
    .describe(
      "Why the proxies themselves need the host: it stays in the fence as long as they do, called or not. The first few reasons, if there are many.",
    ),
});
export type DomainStatus = z.infer<typeof DomainStatus>;

export const FENCE_CONDITION_TYPES = [
  "Ready",
  "Enforced",
  "Conflict",
  "FallbackReady",
  "TelemetryFlowing",
  "AcceptedByProxies",
  "AtCapacity",
  "WorkloadFound",
  "Accepted",
  "StatusComplete",
  "MeshObjectsSeen",
] as const;
export type FenceCondition = Condition<(typeof FENCE_CONDITION_TYPES)[number]>;

export const ServiceFenceStatus = z.object({
  domains: z.record(z.string(), DomainStatus).default({}).describe("The hosts of the fence."),
  metricStatus: z
    .record(z.string(), z.string())
    .nullish()
    .describe("Slime's learned set. It is read once, when Fenceline first sees the fence, so that the fence does not start empty."),
  observedUntil: z.iso.datetime().optional().describe("Until when telemetry of this workload was seen."),
  warmUp: z
    .string()
    .optional()
    .describe("The warm-up that was added last, in short form. It is added once, and again when `spec.warmUp` changes."),
  reset: z
    .string()
    .optional()
    .describe(
      "The value of the annotation `fenceline.io/reset` for which the fence last forgot what it had learned. Each value has its effect once.",
    ),
  resetAsked: z
    .string()
    .optional()
    .describe(
      "The last reset that was requested by the API: its time, and the hosts to forget; all if none is named. The leader carries it out.",
    ),
  resetAnswered: z.string().optional().describe("The `resetAsked` that was carried out last."),
  conditions: z.array(conditionSchema(FENCE_CONDITION_TYPES)).optional(),
});
export type ServiceFenceStatus = z.infer<typeof ServiceFenceStatus>;
