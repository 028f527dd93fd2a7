import { isDeepStrictEqual } from "node:util";
import { OWNER_ANNOTATION, type RenderedObject } from "@fenceline/api";
import type { LiveObject } from "./live-object.ts";

/**
 * Whether a live object says something else than the desired one.
 *
 * The whole `spec` is ours, so a field that was added to it counts. Labels and owners of others may
 * stand beside ours.
 */
export function differs(desired: RenderedObject, live: LiveObject): boolean {
  const { labels, annotations = {}, ownerReferences = [] } = desired.metadata;
  if (!isDeepStrictEqual(desired.spec, live.spec)) return true;
  if (Object.entries(labels).some(([key, value]) => live.labels[key] !== value)) return true;
  if (annotations[OWNER_ANNOTATION] !== undefined && annotations[OWNER_ANNOTATION] !== live.renderedFor) return true;
  return ownerReferences.some((owner) => !live.owners.some((candidate) => isDeepStrictEqual({ ...owner }, { ...candidate })));
}
