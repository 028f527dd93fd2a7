import { NamespaceName, type ServiceFenceSpec, shortened } from "@fenceline/api";
import { isLabel } from "../reach/workload-labels.ts";

/** Words for namespaces in a Sidecar beside their names: all of them, and that of the fence. */
const OF_A_SIDECAR: ReadonlySet<string> = new Set(["*", "."]);

/**
 * Whether a Sidecar may contain an entry of `namespaceSelector`. istiod's webhook refuses a Sidecar
 * with any other entry, and all its other hosts with it.
 */
export function isNamespaceEntry(text: string): boolean {
  return OF_A_SIDECAR.has(text) || NamespaceName.safeParse(text).success;
}

/**
 * Which entries of a fence's selectors are left out, since they cannot mean a namespace or Service:
 * `spec.namespaceSelector[0] 'Team_A' is no namespace, and left out`.
 */
export function selectorRemarks({ namespaceSelector, labelSelector }: ServiceFenceSpec): string[] {
  const namespaces = namespaceSelector.flatMap((text, index) =>
    isNamespaceEntry(text) ? [] : `spec.namespaceSelector[${index}] '${shortened(text)}' is no namespace, and left out`,
  );
  const labels = labelSelector.flatMap(({ selector }, index) => {
    const wrong = Object.entries(selector).find(([key, value]) => !isLabel(key, value));
    if (wrong === undefined) return [];
    const [key, value] = wrong.map((text) => shortened(text));
    return `spec.labelSelector[${index}] selects nothing: no Service can have the label ${key}: '${value}'`;
  });
  return [...namespaces, ...labels];
}
