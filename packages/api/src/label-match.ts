/** How the labels of selectors and pods compare. */
import type { Labels } from "./object.ts";

/** Whether labels have every one of these, as those of a pod that a selector takes. */
export function hasLabels(labels: Labels, wanted: Labels): boolean {
  return Object.entries(wanted).every(([key, value]) => labels[key] === value);
}

/** Whether two say something else of a label, so that no pod can have both. */
export function labelsDiffer(one: Labels, other: Labels): boolean {
  return Object.entries(one).some(([key, value]) => key in other && other[key] !== value);
}

/** Whether two say the same of a label, and differ on none. */
export function labelsAgree(one: Labels, other: Labels): boolean {
  return Object.keys(one).some((key) => key in other) && !labelsDiffer(one, other);
}
