import { z } from "zod";

/** Kubernetes label values and names: RFC 1123 subdomain for names, label for namespaces. */
const NAME = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;
const NAMESPACE = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

export const Labels = z.record(z.string(), z.string());
export type Labels = z.infer<typeof Labels>;

export const ObjectName = z.string().max(253).regex(NAME, "not an object name: lower-case letters, digits, '-' and '.' only");
export const NamespaceName = z.string().max(63).regex(NAMESPACE, "not a namespace: lower-case letters, digits and '-' only");

/**
 * The part of `metadata` that Fenceline reads. Everything else that an API server or a person puts
 * there is kept out, not refused.
 */
export const ObjectMeta = z.object({
  name: ObjectName,
  namespace: NamespaceName.default("default"),
  labels: Labels.default({}),
  uid: z.string().optional(),
  /** Rises with each change of the spec. A status names the one that it is about. */
  generation: z.int().min(0).optional(),
  /** Since when the object is being deleted: it is there until its finalizers are done. */
  deletionTimestamp: z.iso.datetime().optional().catch(undefined),
  /** Of an object of an API server. What is no time there says nothing. */
  creationTimestamp: z.iso.datetime().optional().catch(undefined),
});
export type ObjectMeta = z.infer<typeof ObjectMeta>;

/** `metadata` of a kind that lives outside namespaces. */
export const ClusterObjectMeta = ObjectMeta.omit({ namespace: true, generation: true });

/** Any object of the API, known or not. */
export interface AnyObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string | undefined };
}

/** Names an object in a namespace, for example the owner of what was rendered. */
export interface ObjectRef<Kind extends string = string> {
  readonly kind: Kind;
  readonly namespace: string;
  readonly name: string;
}

/**
 * Names an object by its kind: that of the table, since an object need not say its own.
 *
 * @param kind its name
 */
export function refOf<Kind extends string>(kind: Kind, { metadata: { namespace, name } }: Named): ObjectRef<Kind> {
  return { kind, namespace, name };
}

interface Named {
  readonly metadata: Pick<ObjectRef, "namespace" | "name">;
}

/**
 * `ServiceFence test1/a`, as a key. No part of it may contain a blank or a slash, so it is
 * unambiguous.
 */
export function refText({ kind, namespace, name }: ObjectRef): string {
  return `${kind} ${namespace}/${name}`;
}

/** `ServiceFence test1/a`, for logs and errors. */
export function describeObject({ kind, metadata }: AnyObject): string {
  return `${kind} ${metadata.namespace === undefined ? "" : `${metadata.namespace}/`}${metadata.name}`;
}
