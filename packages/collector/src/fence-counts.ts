import { CONDITION_STATUSES, FENCE_CONDITION_TYPES, FENCE_MODES, type FenceMode, fenceMode, type ServiceFence } from "@fenceline/api";

/** How many fences there are of each sort, zeros included. */
export interface FenceCounts {
  readonly modes: ReadonlyMap<FenceMode, number>;
  readonly conditions: readonly { readonly condition: string; readonly status: string; readonly count: number }[];
}

/** Counts fences by their mode, and by what their statuses say. */
export function fenceCounts(fences: readonly ServiceFence[]): FenceCounts {
  const modes = new Map<FenceMode, number>(FENCE_MODES.map((mode) => [mode, 0]));
  const said = new Map<string, number>();
  for (const fence of fences) {
    const mode = fenceMode(fence.spec);
    modes.set(mode, (modes.get(mode) ?? 0) + 1);
    for (const { type, status } of fence.status.conditions ?? []) said.set(`${type} ${status}`, (said.get(`${type} ${status}`) ?? 0) + 1);
  }
  const conditions = FENCE_CONDITION_TYPES.flatMap((condition) =>
    CONDITION_STATUSES.map((status) => ({ condition, status, count: said.get(`${condition} ${status}`) ?? 0 })),
  );
  return { modes, conditions };
}
