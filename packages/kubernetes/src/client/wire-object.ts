import type { Resource } from "./resource.ts";

/** An owner reference, as the API server writes it. */
export interface WireOwner {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
}

/** An object as it comes from the API server: the fields that every kind has. */
export interface WireObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly WireOwner[];
    readonly deletionTimestamp?: string;
    readonly finalizers?: readonly string[];
  };
  readonly [field: string]: unknown;
}

/**
 * Reads a value as an object of the kind; undefined when it is none.
 *
 * Items of a list have neither `apiVersion` nor `kind` for built-in kinds, so both are added.
 * `managedFields`, often the largest part of an object, is dropped at once.
 */
export function readWireObject(value: unknown, { apiVersion, kind }: Resource): WireObject | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { metadata } = value as { metadata?: unknown };
  if (typeof metadata !== "object" || metadata === null) return undefined;
  const { managedFields: _dropped, ...rest } = metadata as WireObject["metadata"] & { managedFields?: unknown };
  if (typeof rest.name !== "string" || typeof rest.uid !== "string" || typeof rest.resourceVersion !== "string") return undefined;
  return { ...value, apiVersion, kind, metadata: rest };
}
