/** Who sees an object of Istio: its `exportTo`, with its own namespace instead of `.`. */
export interface Visibility {
  readonly isPublic: boolean;
  /** The only namespaces that see it, unless it is public. */
  readonly namespaces: ReadonlySet<string>;
}

const NOBODY: ReadonlySet<string> = new Set();
export const EVERYBODY: Visibility = { isPublic: true, namespaces: NOBODY };

/**
 * As istiod reads it: with `*` everybody sees it, whatever else is listed; with `~` nobody; an
 * empty list means the default of MeshConfig, and without a default everybody
 * (pilot/pkg/model/push_context.go).
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

/** The default for objects without `exportTo`: those of all control planes together. */
export function unitedDefaults(planes: readonly (readonly string[] | undefined)[]): readonly string[] {
  if (planes.length === 0 || planes.some((list) => list === undefined || list.length === 0)) return [];
  const united = new Set(planes.flatMap((list) => list ?? []));
  if (united.size > 1) united.delete("~");
  return [...united];
}
