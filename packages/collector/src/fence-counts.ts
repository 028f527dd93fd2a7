import {
  CONDITION_STATUSES,
  FENCE_CONDITION_TYPES,
  FENCE_MODES,
  type FenceMode,
  fenceMode,
  SERVICE_FENCE,
  type ServiceFence,
  type ServiceFenceStatus,
} from "@fenceline/api";
import type { Store } from "@fenceline/store";

/** How many fences there are of each sort, including zeros. */
export interface FenceCounts {
  readonly modes: ReadonlyMap<FenceMode, number>;
  readonly conditions: readonly { readonly condition: string; readonly status: string; readonly count: number }[];
}

/**
 * Counts fences by their mode, and by the conditions in their statuses. If no version of a fence's
 * spec could be read, it has conditions, and no mode.
 */
export function fenceCounts(store: Pick<Store, "snapshot" | "objectOf" | "faulty" | "faultOf">): FenceCounts {
  const fences = store.snapshot().of(SERVICE_FENCE);
  const never = store.faulty(SERVICE_FENCE).filter((of) => store.objectOf(SERVICE_FENCE, of) === undefined);
  const statuses = never.map((of) => store.faultOf(of)?.status as ServiceFenceStatus | undefined);
  return counts(fences, [...fences.map(({ status }) => status), ...statuses]);
}

function counts(fences: readonly ServiceFence[], statuses: readonly (ServiceFenceStatus | undefined)[]): FenceCounts {
  const modes = new Map<FenceMode, number>(FENCE_MODES.map((mode) => [mode, 0]));
  const said = new Map<string, number>();
  for (const fence of fences) {
    const mode = fenceMode(fence.spec);
    modes.set(mode, (modes.get(mode) ?? 0) + 1);
  }
  for (const { type, status } of statuses.flatMap((each) => each?.conditions ?? []))
    said.set(`${type} ${status}`, (said.get(`${type} ${status}`) ?? 0) + 1);
  const conditions = FENCE_CONDITION_TYPES.flatMap((condition) =>
    CONDITION_STATUSES.map((status) => ({ condition, status, count: said.get(`${condition} ${status}`) ?? 0 })),
  );
  return { modes, conditions };
}
