import { type Labels, shortened } from "@fenceline/api";

/**
 * A label that Kubernetes accepts: an optional prefix and a name; a value of at most 63 characters.
 */
const LABEL_KEY = /^(?:[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const LABEL_VALUE = /^(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;
/** Longest label that pods may have: it is shown in full. */
const LONGEST_LABEL = 317;

/** Whether an object can have this label. */
export function isLabel(key: string, value: string): boolean {
  return LABEL_KEY.test(key) && LABEL_VALUE.test(value);
}

/**
 * Why a selector does not select a workload; undefined when it does. If none of its labels has a
 * value, it may select every pod of the namespace: Istio reads an empty selector like that, and has
 * compared a label that a pod lacks as an empty one.
 */
export function selectorFault(labels: Labels): string | undefined {
  const entries = Object.entries(labels);
  const wrong = entries.find(([key, value]) => !isLabel(key, value));
  if (wrong !== undefined) return `no pod can have the label ${quoted(wrong[0])}: ${quoted(wrong[1])}`;
  return entries.every(([, value]) => value === "") ? "it has no label with a value, and would be for pods that nobody named" : undefined;
}

function quoted(text: string): string {
  return JSON.stringify(shortened(text, LONGEST_LABEL));
}
