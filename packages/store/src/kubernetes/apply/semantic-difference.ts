import { isDeepStrictEqual } from "node:util";
import { isJsonObject, type JsonObject, OWNER_ANNOTATION, type RenderedObject } from "@fenceline/api";
import type { LiveObject } from "./live-object.ts";

/**
 * Whether a live object differs from the desired one in what counts.
 *
 * The whole `spec` is ours, so a field that was added to it counts. Others may add labels and
 * owners beside ours.
 */
export function differs(desired: RenderedObject, live: LiveObject): boolean {
  const { labels, annotations = {}, ownerReferences = [] } = desired.metadata;
  if (!isDeepStrictEqual(desired.spec, live.spec)) return true;
  if (Object.entries(labels).some(([key, value]) => live.labels[key] !== value)) return true;
  if (annotations[OWNER_ANNOTATION] !== undefined && annotations[OWNER_ANNOTATION] !== live.renderedFor) return true;
  return ownerReferences.some((owner) => !live.owners.some((candidate) => isDeepStrictEqual({ ...owner }, { ...candidate })));
}

/**
 * Fields of the desired `spec` that a live object lacks, or that have another value there. Further
 * fields, as a webhook or a default may add, do not count here.
 */
export function fieldsLost(desired: RenderedObject, live: LiveObject): readonly string[] {
  // As it was sent: without fields that are undefined.
  const wanted = JSON.parse(JSON.stringify(desired.spec)) as JsonObject;
  const there = isJsonObject(live.spec) ? live.spec : {};
  return Object.keys(wanted).flatMap((field) => (holds(there[field], wanted[field]) ? [] : [`spec.${field}`]));
}

/** Must be equal as a whole, as lists must: with one more label fewer pods are selected. */
const WHOLE: ReadonlySet<string> = new Set(["labels", "matchLabels"]);

/** Whether a value is what is wanted, with further fields at most. */
function holds(live: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted))
    return Array.isArray(live) && live.length === wanted.length && wanted.every((each, at) => holds(live[at], each));
  if (!isJsonObject(wanted)) return isDeepStrictEqual(live, wanted);
  if (!isJsonObject(live)) return false;
  return Object.entries(wanted).every(([field, value]) =>
    WHOLE.has(field) ? isDeepStrictEqual(live[field], value) : holds(live[field], value),
  );
}
