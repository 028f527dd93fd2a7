/** Where pods may run: parts of a PodSpec of Kubernetes' core/v1. */
import { z } from "zod";
import { Key, LabelSelector, LabelValue, ShortName } from "./names.ts";

const Effect = z.enum(["NoSchedule", "PreferNoSchedule", "NoExecute"]);
const Eviction = { tolerationSeconds: z.int().optional() };

/**
 * Without a key every taint matches, which needs the operator Exists. This operator has no value.
 */
export const Toleration = z
  .union([
    z.strictObject({
      key: z.union([z.literal(""), Key]).optional(),
      operator: z.literal("Exists"),
      value: z.literal("").optional(),
      effect: z.union([z.literal(""), Effect]).optional(),
      ...Eviction,
    }),
    z.strictObject({
      key: Key,
      operator: z.enum(["", "Equal", "Lt", "Gt"]).optional(),
      value: LabelValue.optional(),
      effect: z.union([z.literal(""), Effect]).optional(),
      ...Eviction,
    }),
  ])
  .meta({ id: "Toleration" });

const Policy = z.enum(["Honor", "Ignore"]);

export const TopologySpreadConstraint = z
  .strictObject({
    maxSkew: z.int().min(1),
    topologyKey: Key,
    whenUnsatisfiable: z.enum(["DoNotSchedule", "ScheduleAnyway"]),
    labelSelector: LabelSelector.optional(),
    matchLabelKeys: z.array(Key).optional(),
    minDomains: z.int().min(1).optional(),
    nodeAffinityPolicy: Policy.optional(),
    nodeTaintsPolicy: Policy.optional(),
  })
  .meta({ id: "TopologySpreadConstraint" });

const NodeRequirements = z.array(
  z.union([
    z.strictObject({ key: Key, operator: z.enum(["In", "NotIn"]), values: z.array(z.string()).min(1) }),
    z.strictObject({ key: Key, operator: z.enum(["Exists", "DoesNotExist"]), values: z.array(z.string()).max(0).optional() }),
    z.strictObject({ key: Key, operator: z.enum(["Gt", "Lt"]), values: z.array(z.string().regex(/^-?[0-9]+$/)).length(1) }),
  ]),
);
const NodeTerm = z
  .strictObject({ matchExpressions: NodeRequirements.optional(), matchFields: NodeRequirements.optional() })
  .meta({ id: "NodeTerm" });
const Weight = z.int().min(1).max(100);

const PodTerm = z
  .strictObject({
    topologyKey: Key,
    labelSelector: LabelSelector.optional(),
    namespaces: z.array(ShortName).optional(),
    namespaceSelector: LabelSelector.optional(),
    matchLabelKeys: z.array(Key).optional(),
    mismatchLabelKeys: z.array(Key).optional(),
  })
  .meta({ id: "PodTerm" });
const PodAffinity = z
  .strictObject({
    requiredDuringSchedulingIgnoredDuringExecution: z.array(PodTerm).optional(),
    preferredDuringSchedulingIgnoredDuringExecution: z.array(z.strictObject({ weight: Weight, podAffinityTerm: PodTerm })).optional(),
  })
  .meta({ id: "PodAffinity" });

export const Affinity = z
  .strictObject({
    nodeAffinity: z
      .strictObject({
        requiredDuringSchedulingIgnoredDuringExecution: z.strictObject({ nodeSelectorTerms: z.array(NodeTerm).min(1) }).optional(),
        preferredDuringSchedulingIgnoredDuringExecution: z.array(z.strictObject({ weight: Weight, preference: NodeTerm })).optional(),
      })
      .optional(),
    podAffinity: PodAffinity.optional(),
    podAntiAffinity: PodAffinity.optional(),
  })
  .meta({ id: "Affinity" });
