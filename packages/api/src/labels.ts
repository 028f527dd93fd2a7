/** The labels that mean something to us, and how the labels of selectors and pods compare. */
import type { Labels } from "./object.ts";

/**
 * Label on everything that Fenceline renders, for people, for clean-up, and to tell it from what
 * others made.
 */
export const MANAGED_BY_LABEL = "app.kubernetes.io/managed-by";

/** Value of {@link MANAGED_BY_LABEL}, and the field manager of every write. */
export const MANAGER = "fenceline";

/**
 * When a replica that does not lead last added hosts to a Sidecar, as an ISO time. It tells the
 * leader such an addition from one by hand: its status may come later than its Sidecar. The next
 * apply of the leader takes it away.
 */
export const WIDENED_AT_ANNOTATION = "fenceline.io/widened-at";

/**
 * Whom an object was rendered for: `ServiceFence/a`, in its own namespace. Where no owner reference
 * says so: in a folder, whose objects have no uid, and once Kubernetes has taken away the reference
 * to an owner that is gone. An annotation, since the name of an object may be longer than the value
 * of a label.
 */
export const OWNER_ANNOTATION = "fenceline.io/owner";

/** The control plane of this revision alone reads an object with this label. */
export const REVISION_LABEL = "istio.io/rev";

/** Label by which an EndpointSlice names its Service. */
export const SERVICE_NAME_LABEL = "kubernetes.io/service-name";

/** Of a ServiceEntry: `false` where istiod gives its hosts no addresses of its own. */
export const AUTO_ADDRESS_LABEL = "networking.istio.io/enable-autoallocate-ip";

/** Whether labels have every one of these, as those of a pod that a selector takes. */
export function hasLabels(labels: Labels, wanted: Labels): boolean {
  return Object.entries(wanted).every(([key, value]) => labels[key] === value);
}

/** Whether two say something else of a label, so that no pod can have both. */
export function labelsDiffer(one: Labels, other: Labels): boolean {
  return Object.entries(one).some(([key, value]) => Object.hasOwn(other, key) && other[key] !== value);
}

/** Whether two say the same of a label, and differ on none. */
export function labelsAgree(one: Labels, other: Labels): boolean {
  return Object.keys(one).some((key) => Object.hasOwn(other, key)) && !labelsDiffer(one, other);
}
