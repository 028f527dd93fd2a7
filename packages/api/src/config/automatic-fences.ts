/** Which workloads get fences by themselves, and what these are like. */
import { z } from "zod";
import { AUTOMATIC_FENCE_MODES, AUTOMATIC_FENCES, FENCED_LABEL } from "../kinds/automatic-fence.ts";
import { LabelKey, LabelSelector } from "../label-selector.ts";
import { NamespaceName } from "../object.ts";

const MOST_NAMESPACES = 10_000;
const MOST_SELECTORS = 100;

/** Slime's `whiteNamespaceList`, `blackNamespaceList` and `managementSelectors`. */
const NamespaceScope = z.strictObject({
  allow: z
    .array(NamespaceName)
    .max(MOST_NAMESPACES)
    .default([])
    .describe("Names of the only namespaces in which fences are made. Default: in all. At most 10000."),
  deny: z
    .array(NamespaceName)
    .max(MOST_NAMESPACES)
    .default([])
    .describe("Names of namespaces in which none is made, whatever `allow` says. At most 10000."),
  selectors: z
    .array(LabelSelector)
    .max(MOST_SELECTORS)
    .default([])
    .describe(
      "Selectors of labels of a Namespace, with matchLabels and matchExpressions: fences are made where one of them matches. An empty selector matches every Namespace. Default: in all. At most 100.",
    ),
});
export type NamespaceScope = z.infer<typeof NamespaceScope>;

const DEFAULT_ALIAS = "app";

/** Slime's `fenceLabelKeyAlias`, `key:alias` in one text. */
const PodLabel = z.strictObject({
  key: z
    .union([LabelKey, z.literal("")])
    .default("")
    .describe("The key of the label, such as job. Default: empty, and no fence is made for pods as such."),
  alias: z
    .string()
    .max(63)
    .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, "not the beginning of a name: lower-case letters, digits and '-' only")
    .default(DEFAULT_ALIAS)
    .describe("How the names of these fences begin: `<alias>-<value of the label>.workload.identity`."),
});
export type PodLabel = z.infer<typeof PodLabel>;

export const AutomaticFences = z.strictObject({
  create: z
    .enum(AUTOMATIC_FENCES)
    .default("Labelled")
    .describe(
      `Which workloads get a fence automatically, one per selector of Services. Labelled: those whose Service, or else its Namespace, has the label ${FENCED_LABEL} "true". All: also those where neither has it. Off: none. Fences that were made automatically and are no longer wanted are deleted, with what they have learned (after ageing.keepDeleted). Quote "Off" in YAML.`,
    ),
  mode: z
    .enum(AUTOMATIC_FENCE_MODES)
    .default("Enforce")
    .describe(
      "Mode of fences that are made from now on. Enforce: learn and narrow. Observe: learn only. Those that exist stay as they are.",
    ),
  podLabel: PodLabel.prefault({}).describe(
    `A label of pods: each value that it has in a namespace gets a fence, for Jobs and other pods without a Service. Pods that a fence of a person or of a Service takes get none, nor do those whose Namespace, or of which one, has the label ${FENCED_LABEL} "false". Such a fence goes with the last of its pods. Then the collector reads the metadata of all pods that have the label, in a cluster and in a folder. Nothing is made with create Off.`,
  ),
  namespaces: NamespaceScope.prefault({}).describe(
    "Where fences are made: in namespaces that all three agree on, and that `discoverySelectors` of Istio's MeshConfig take, where there are any. What was made automatically in a namespace that is no longer one of them is deleted; fences of people stay.",
  ),
});
