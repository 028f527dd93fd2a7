/** Which workloads get fences by themselves, and what these are like. */
import { z } from "zod";
import { AUTOMATIC_FENCE_MODES, AUTOMATIC_FENCES, FENCED_LABEL } from "../kinds/automatic-fence.ts";
import { LabelSelector } from "../label-selector.ts";
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
  namespaces: NamespaceScope.prefault({}).describe(
    "Where fences are made: in namespaces that all three agree on, and that `discoverySelectors` of Istio's MeshConfig take, where there are any. What was made automatically in a namespace that is no longer one of them is deleted; fences of people stay.",
  ),
});
