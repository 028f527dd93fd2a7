import { FENCE_CONDITION_TYPES, FENCE_MODES, type FenceMode, fenceMode, SERVICE_FENCE } from "@fenceline/api";
import type { Store } from "@fenceline/store";
import { type ConditionCount, conditionCounts, statusesOf } from "./condition-counts.ts";

/** How many fences there are of each sort, including zeros. */
export interface FenceCounts {
  readonly modes: ReadonlyMap<FenceMode, number>;
  readonly conditions: readonly ConditionCount[];
}

/**
 * Counts fences by their mode, and by the conditions in their statuses. If no version of a fence's
 * spec could be read, it has conditions, and no mode.
 */
export function fenceCounts(store: Pick<Store, "snapshot" | "objectOf" | "faulty" | "faultOf">): FenceCounts {
  const modes = new Map<FenceMode, number>(FENCE_MODES.map((mode) => [mode, 0]));
  for (const { spec } of store.snapshot().of(SERVICE_FENCE)) modes.set(fenceMode(spec), (modes.get(fenceMode(spec)) ?? 0) + 1);
  return { modes, conditions: conditionCounts(FENCE_CONDITION_TYPES, statusesOf(SERVICE_FENCE, store)) };
}
