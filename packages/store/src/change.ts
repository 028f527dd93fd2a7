import type { ObjectRef, RenderedObject } from "@fenceline/api";

/**
 * One write. A plan is a list of them. They are plain values, so that a plan can be printed and
 * compared without being carried out.
 */
export type Change = { readonly owner: ObjectRef } & (
  | { readonly action: "create"; readonly object: RenderedObject }
  /** `before`: the object as the plan saw it, so that the difference can be logged. */
  | { readonly action: "update"; readonly object: RenderedObject; readonly before?: RenderedObject }
  | { readonly action: "delete"; readonly object: ObjectRef<RenderedObject["kind"]>; readonly before?: RenderedObject }
);

/** The object that a change writes. */
export function writtenBy(change: Change): ObjectRef<RenderedObject["kind"]> {
  const { kind } = change.object;
  const { namespace, name } = change.action === "delete" ? change.object : change.object.metadata;
  return { kind, namespace, name };
}

/** A change to an object that exists. */
export type RenderedUpdate = Extract<Change, { readonly action: "update" }>;

/**
 * Why a write was not carried out, and will not be until a person acts.
 *
 * - `Conflict`: an object of somebody else stands in its place
 * - `WriteForbidden`: a right is missing, or an admission webhook denies it
 * - `KindMissing`: the API server does not have the kind: the message says which, and what to
 *   install
 * - `StatusMissing`: the CRD has no status subresource
 * - `WriteRefused`: the API server, or a webhook, says that it is not valid
 * - `WriteAltered`: it was written, and something such as a webhook changed it on the way
 * - `DeletionHeldUp`: it is being deleted, and finalizers of others hold that up
 * - `WriteTooLarge`: it is larger than the API server, or etcd, takes
 * - `QuotaExceeded`: a quota of the namespace is used up
 * - `NamespaceTerminating`: a namespace that is being deleted takes nothing new
 * - `DiskFull`: the disk, or etcd, has no room left
 * - `NameTooLong`: standalone
 * - `WriteFailed`: standalone: the folder is gone; or an error of ours
 *
 * Reasons for a failure after which the same write is tried again:
 *
 * - `Contested`: somebody else keeps changing it at the same time
 * - `WebhookFailed`: an admission webhook does not answer, as Istio's while istiod is down
 * - `Throttled`: the API server answers 429
 * - `ServerFailed`: it answers with another error, or not at all
 */
export const OBSTACLE_REASONS = [
  "Conflict",
  "WriteForbidden",
  "KindMissing",
  "StatusMissing",
  "WriteRefused",
  "WriteAltered",
  "DeletionHeldUp",
  "WriteTooLarge",
  "QuotaExceeded",
  "NamespaceTerminating",
  "DiskFull",
  "NameTooLong",
  "WriteFailed",
  "Contested",
  "WebhookFailed",
  "Throttled",
  "ServerFailed",
] as const;

/** What stands in the way of a write. */
export interface Obstacle {
  readonly reason: (typeof OBSTACLE_REASONS)[number];
  /** Kind of what was to be written: a rendered object, or the object whose status it was. */
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** What is wrong with which object, and what to do. */
  readonly message: string;
}
