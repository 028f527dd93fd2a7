import type { AnyObject } from "@fenceline/api";

/** An object as it is exported: no cluster, and no Fenceline, is needed to make sense of it. */
export interface Exported<Spec extends object = object> {
  readonly object: AnyObject & { readonly spec: Spec };
  /** Where parts of it come from, for people; nobody reads them back. */
  readonly comments: readonly ExportComment[];
}

/** Says of one field, or element of a list, where it comes from. */
export interface ExportComment {
  readonly path: readonly (string | number)[];
  readonly text: string;
}

/** What objects an export is made of. */
export const EXPORT_FORMATS = ["service-fence", "sidecar", "authorization-policy"] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];
