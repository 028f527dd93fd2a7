import type { AnyObject } from "@fenceline/api";

/** An exported object: it can be understood without a cluster and without Fenceline. */
export interface Exported<Spec extends object = object> {
  readonly object: AnyObject & { readonly spec: Spec };
  /** The origin of its parts, for people; nothing reads them back. */
  readonly comments: readonly ExportComment[];
}

/** The origin of one field, or of one element of a list. */
export interface ExportComment {
  readonly path: readonly (string | number)[];
  readonly text: string;
}

/** The kinds of objects in an export. */
export const EXPORT_FORMATS = ["service-fence", "sidecar", "authorization-policy"] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];
