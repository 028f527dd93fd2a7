import { askedFenced, compareText, type FenceKey, type Labels, type PodLabel, podFenceName, type WantedFence } from "@fenceline/api";
import type { LabelSelectors } from "@fenceline/render/fence";
import type { PodValue } from "./pod-values.ts";

/** Istio's label of pods that have no proxy, and so nothing that a fence could narrow. */
const INJECT_LABEL = "sidecar.istio.io/inject";

/** The input of {@link wantedForPods}, of one namespace. */
export interface WantedForPodsInput {
  readonly namespace: string;
  readonly podLabel: PodLabel;
  readonly values: readonly PodValue[];
  /** Selectors of people's fences, and of Services with a fence or without any. */
  readonly settled: LabelSelectors;
  /** Selectors of Services of which it is not known whether they have a fence. */
  readonly unknown: LabelSelectors;
  /** Whether the namespace is one where fences are made; undefined when that is not known. */
  readonly isIn: boolean | undefined;
  /** What the Namespace says of fences, if anything; `unknown` when its labels are not known. */
  readonly asked: boolean | undefined | "unknown";
}

/**
 * The fences for the values of a label of pods, for those without a Service. A Service goes before
 * its pods' label: which pods it has changes less often, and two Sidecars for one pod are one too
 * many. So a value of which one pod is taken has no fence, and neither has one of which a pod
 * declines: its fence would select that pod as well.
 */
export function wantedForPods({ namespace, podLabel, values, settled, unknown, isIn, asked }: WantedForPodsInput) {
  const fences: WantedFence[] = [];
  const undecided: FenceKey[] = [];
  for (const { value, pods } of isIn === false ? [] : values) {
    const proxied = pods.filter((labels) => labels[INJECT_LABEL] !== "false");
    const isAsked = asksOf(proxied, asked);
    if (isAsked === false || proxied.some((labels) => settled.take(labels))) continue;
    const name = podFenceName(podLabel.alias, value);
    const isKnown = isIn === true && isAsked === true && !proxied.some((labels) => unknown.take(labels));
    if (isKnown) fences.push({ namespace, name, labels: { [podLabel.key]: value } });
    else undecided.push({ namespace, name });
  }
  const byName = (one: FenceKey, other: FenceKey) => compareText(one.name, other.name);
  return { fences: fences.sort(byName), undecided: undecided.sort(byName) };
}

/** Whether pods ask for a fence: by their own label, else by their Namespace, else they do. */
function asksOf(pods: readonly Labels[], namespace: WantedForPodsInput["asked"]): boolean | undefined {
  if (pods.length === 0) return false;
  const words = pods.map((labels) => askedFenced({ labels }));
  if (words.includes(false)) return false;
  if (words.includes(true)) return true;
  return namespace === "unknown" ? undefined : (namespace ?? true);
}
