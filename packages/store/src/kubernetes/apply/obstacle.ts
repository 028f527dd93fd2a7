import { type ObjectRef, type OwnKind, type RenderedKind, shortenedList } from "@fenceline/api";
import { ApiError, hasStatus } from "@fenceline/kubernetes";
import type { Obstacle } from "../../change.ts";

/**
 * What stands in the way of a rendered object, when a write threw. Undefined when that passes by
 * itself: the API server is down or overloaded, or another write came in between.
 *
 * @param kindIsAbsent whether the API server is known not to have the kind. A 404 alone does not
 * prove it: it is also the answer for a namespace that is being deleted
 */
export function writeObstacle(
  error: unknown,
  place: ObjectRef,
  { name, comesWith }: RenderedKind,
  kindIsAbsent: boolean,
): Obstacle | undefined {
  if (hasStatus(error, 404) && kindIsAbsent)
    return { ...place, reason: "KindMissing", message: `the API server has no kind ${name}: install ${comesWith}` };
  return refusal(error, place, `grant the collector the right to write ${name}s, see its ClusterRole`);
}

/** The object was written, and differs from what was written. */
export function alteredObstacle(place: ObjectRef, fields: readonly string[]): Obstacle {
  const { kind, namespace, name } = place;
  const what = `${kind} ${namespace}/${name} was changed as it was written, at ${shortenedList(fields, ", ")}`;
  return {
    ...place,
    reason: "WriteAltered",
    message: `${what}: find the admission webhook or policy that changes it, and have it leave ours alone`,
  };
}

/** The object is being deleted, and stays until others remove their finalizers. */
export function heldUpObstacle(place: ObjectRef, finalizers: readonly string[]): Obstacle {
  const { kind, namespace, name } = place;
  const by = finalizers.length === 0 ? "" : `, and its finalizers hold that up: ${shortenedList(finalizers, ", ")}`;
  return {
    ...place,
    reason: "DeletionHeldUp",
    message: `${kind} ${namespace}/${name} is being deleted${by}; until it is gone it is in force: see to the controllers that put them there`,
  };
}

/** As {@link writeObstacle}, for the status of an object of ours. */
export function statusObstacle(error: unknown, { namespace, name }: ObjectRef, kind: OwnKind): Obstacle | undefined {
  const place = { kind: kind.name, namespace, name };
  // If the object is gone, its status is no error; here the object exists.
  if (hasStatus(error, 404)) {
    const message = `the CRD of ${kind.name} has no status subresource: install the one that comes with Fenceline`;
    return { ...place, reason: "StatusMissing", message };
  }
  return refusal(error, place, `grant the collector the right to patch ${kind.plural}/status, see its ClusterRole`);
}

/** @param hint what to do where a right is missing */
function refusal(error: unknown, place: Pick<Obstacle, "kind" | "namespace" | "name">, hint: string): Obstacle | undefined {
  if (!(error instanceof ApiError)) return undefined;
  const { status, message } = error;
  if (status === 413 || TOO_LARGE.test(message))
    return { ...place, reason: "WriteTooLarge", message: `${message}: it is larger than the API server takes, have it name fewer hosts` };
  if (NO_ROOM.test(message))
    return { ...place, reason: "DiskFull", message: `${message}: compact and defragment etcd, or raise its quota, and disarm its alarm` };
  if (status === 403) return { ...place, ...forbidden(message, hint) };
  // A webhook may refuse with any status. A ValidatingAdmissionPolicy denies with code 422, unless
  // it sets another one.
  const isDenied = status === 422 ? DENIED_BY_POLICY.test(message) : status !== 400 && DENIED.test(message);
  if (isDenied) return { ...place, ...forbidden(message, hint) };
  if (status === 400 || status === 422) return { ...place, reason: "WriteRefused", message };
  return undefined;
}

/** etcd's own words, in an answer with status 500. */
const TOO_LARGE = /etcdserver: request is too large|trying to send message larger than max/;

const NO_ROOM = /mvcc: database space exceeded|etcdserver: no space/;
const DENIED = /denied the request|denied request/;
const DENIED_BY_POLICY = /ValidatingAdmissionPolicy '.*' denied request/;

/**
 * A 403 can mean more than a missing right. We go by its text, since the API server gives every 403
 * the same reason.
 */
function forbidden(message: string, hint: string): Pick<Obstacle, "reason" | "message"> {
  if (/exceeded quota|insufficient quota/.test(message))
    return { reason: "QuotaExceeded", message: `${message}: raise the ResourceQuota of the namespace, or free some of it` };
  if (/status unknown for quota/.test(message))
    return { reason: "QuotaExceeded", message: `${message}: see that the controller that counts ResourceQuotas runs` };
  if (/because it is being terminated/.test(message))
    return { reason: "NamespaceTerminating", message: `${message}: nothing is to be done, the namespace is being deleted` };
  if (/custom resource definition is terminating/.test(message))
    return { reason: "KindMissing", message: `${message}: install the CRD of this kind again` };
  if (DENIED.test(message)) return { reason: "WriteForbidden", message: `${message}: ask who runs the policy that denies it` };
  if (/cannot set blockOwnerDeletion/.test(message))
    return {
      reason: "WriteForbidden",
      message: `${message}: grant the collector the right to update finalizers of its kinds, see its ClusterRole`,
    };
  return { reason: "WriteForbidden", message: `${message}: ${hint}` };
}
