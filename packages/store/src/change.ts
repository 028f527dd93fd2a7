import type { ObjectRef, RenderedObject } from "@fenceline/api";

/**
 * One write. A plan is a list of them, made from values only, so that it can be printed, compared
 * and left undone.
 */
export type Change = { readonly owner: ObjectRef } & (
  | { readonly action: "create"; readonly object: RenderedObject }
  /** `before`: the object as the plan saw it, for whoever tells of the difference. */
  | { readonly action: "update"; readonly object: RenderedObject; readonly before?: RenderedObject }
  | { readonly action: "delete"; readonly object: ObjectRef<RenderedObject["kind"]>; readonly before?: RenderedObject }
);

/** The object that a change is of. */
export function writtenBy(change: Change): ObjectRef<RenderedObject["kind"]> {
  const { kind } = change.object;
  const { namespace, name } = change.action === "delete" ? change.object : change.object.metadata;
  return { kind, namespace, name };
}

/** A change of an object that exists. */
export type RenderedUpdate = Extract<Change, { readonly action: "update" }>;

/**
 * Why a write was not carried out, and will not be until a person does something about it.
 *
 * - `Conflict`: an object of somebody else stands in its place
 * - `WriteForbidden`: a right is missing, or an admission webhook denies it
 * - `KindMissing`: the API server does not have the kind: the message says which, and what to
 *   install
 * - `StatusMissing`: the CRD has no status subresource
 * - `WriteRefused`: the API server, or a webhook, finds it not valid
 * - `WriteAltered`: it was written, and something changed it on the way, as a webhook may
 * - `DeletionHeldUp`: it is being deleted, and finalizers of others hold that up
 * - `WriteTooLarge`: it is larger than the API server, or etcd, takes
 * - `QuotaExceeded`: a quota of the namespace, or of the disk, is used up
 * - `NamespaceTerminating`: nothing new is taken into a namespace that is being deleted
 * - `DiskFull`: the disk, or etcd, has no room left
 * - `NameTooLong`: standalone
 * - `WriteFailed`: standalone: the folder is gone; or an error of ours
 *
 * Reasons for a failure that is tried again unchanged:
 *
 * - `Contested`: somebody else changes it at the same time, again and again
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
  /** What was to be written: a rendered object, or the object whose status it was. */
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** What is wrong with which object, and what to do. */
  readonly message: string;
}
