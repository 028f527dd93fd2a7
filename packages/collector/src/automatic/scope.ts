import { isManaged, type LabelSelector, type Labels, type NamespaceScope, type Revisions, takesLabels } from "@fenceline/api";

/** What decides where fences are made. */
export interface Scope {
  readonly namespaces: NamespaceScope;
  readonly revisions: Revisions;
  /** `discoverySelectors` of each control plane; one without any reads every namespace. */
  readonly discovery: readonly (readonly LabelSelector[])[];
}

/**
 * Whether fences are made in a namespace; undefined when its labels decide and are not known. A
 * namespace belongs to Istio if at least one control plane reads it, since a pod may use that one.
 */
export function isInScope({ namespaces, revisions, discovery }: Scope, name: string, labels: Labels | undefined): boolean | undefined {
  const { allow, deny, selectors } = namespaces;
  if (deny.includes(name) || (allow.length > 0 && !allow.includes(name))) return false;
  const asked = [selectors, ...(discovery.some((each) => each.length === 0) ? [] : [discovery.flat()])].filter(({ length }) => length > 0);
  if (asked.length === 0 && revisions.names.length === 0) return true;
  return labels && isManaged(revisions, labels) && asked.every((each) => each.some((selector) => takesLabels(selector, labels)));
}
