/** Who sees an object of Istio's: its `exportTo`, with its own namespace in place of `.`. */
export interface Visibility {
  readonly isPublic: boolean;
  /** Beside which nobody sees it, unless it is public. */
  readonly namespaces: ReadonlySet<string>;
}

const NOBODY: ReadonlySet<string> = new Set();
export const EVERYBODY: Visibility = { isPublic: true, namespaces: NOBODY };

/**
 * As istiod reads it: `*` is everybody whatever else is said, `~` nobody, an empty list the default
 * of MeshConfig, and without one everybody (pilot/pkg/model/push_context.go).
 */
export function visibilityOf(exportTo: readonly string[], namespace: string, defaults: readonly string[]): Visibility {
  const list = exportTo.length > 0 ? exportTo : defaults;
  if (list.length === 0 || list.includes("*")) return EVERYBODY;
  if (list.includes("~")) return { isPublic: false, namespaces: NOBODY };
  return { isPublic: false, namespaces: new Set(list.map((name) => (name === "." ? namespace : name))) };
}

export function isVisibleTo({ isPublic, namespaces }: Visibility, namespace: string): boolean {
  return isPublic || namespaces.has(namespace);
}

/** What objects without `exportTo` have, of several control planes what any of them says. */
export function unitedDefaults(planes: readonly (readonly string[] | undefined)[]): readonly string[] {
  if (planes.length === 0 || planes.some((list) => list === undefined || list.length === 0)) return [];
  const united = new Set(planes.flatMap((list) => list ?? []));
  if (united.size > 1) united.delete("~");
  return [...united];
}
