import { type FenceKey, formatFenceKey, isAutomatic, isManaged, type Revisions, type ServiceFence, type WantedFence } from "@fenceline/api";
import type { WantedFences } from "./wanted-fences.ts";

/** One write. */
export type FenceChange =
  | { readonly action: "create"; readonly key: WantedFence }
  | { readonly action: "delete"; readonly key: FenceKey; readonly uid: string };

/** What {@link fenceChanges} compares. */
export interface FenceChangesInput {
  readonly wanted: WantedFences;
  /** Every fence that exists, whoever made it. */
  readonly present: readonly ServiceFence[];
  /** Fences of another revision belong to another Fenceline. Default: none does. */
  readonly revisions?: Revisions;
  /** Whether a fence that is not in the snapshot certainly does not exist. */
  readonly isKnown: (key: FenceKey) => boolean;
}

/**
 * The writes that are needed. An existing fence is never changed, and one of a person never
 * deleted.
 */
export function fenceChanges({ wanted, present, isKnown, revisions }: FenceChangesInput): readonly FenceChange[] {
  const names = new Set(present.map(({ metadata }) => formatFenceKey(metadata)));
  const staying = new Set([...wanted.fences, ...wanted.undecided].map(formatFenceKey));
  const created = wanted.fences.filter((key) => !names.has(formatFenceKey(key)) && isKnown(key));
  const deleted = present.filter(
    ({ metadata }) =>
      isAutomatic(metadata.labels) &&
      (revisions === undefined || isManaged(revisions, metadata.labels)) &&
      metadata.deletionTimestamp === undefined &&
      !staying.has(formatFenceKey(metadata)) &&
      isKnown(metadata),
  );
  return [
    ...created.map((key) => ({ action: "create", key }) as const),
    ...deleted.flatMap(({ metadata: { namespace, name, uid } }) =>
      uid === undefined ? [] : [{ action: "delete", key: { namespace, name }, uid } as const],
    ),
  ];
}
