import { CONDITION_STATUSES, LIMITER_CONDITION_TYPES, type OwnKind, type OwnObject, SMART_LIMITER } from "@fenceline/api";
import type { Store } from "@fenceline/store";

/** How many objects have a status of a condition. */
export interface ConditionCount {
  readonly condition: string;
  readonly status: string;
  readonly count: number;
}

/** The conditions of one object, as its status has them. */
interface Conditioned {
  readonly conditions?: readonly { readonly type: string; readonly status: string }[] | undefined;
}

type CountedStore = Pick<Store, "snapshot" | "objectOf" | "faulty" | "faultOf">;

/** SmartLimiters by what a condition of their status says, including zeros. */
export function limiterCounts(store: CountedStore): readonly ConditionCount[] {
  return conditionCounts(LIMITER_CONDITION_TYPES, statusesOf(SMART_LIMITER, store));
}

/** Statuses of all objects of a kind, also of those of which no version could be read. */
export function statusesOf<O extends OwnObject>(kind: OwnKind<O>, store: CountedStore): readonly (Conditioned | undefined)[] {
  const never = store.faulty(kind).filter((of) => store.objectOf(kind, of) === undefined);
  const unread = never.map((of) => store.faultOf(of)?.status as Conditioned | undefined);
  return [
    ...store
      .snapshot()
      .of(kind)
      .map(({ status }) => status as Conditioned | undefined),
    ...unread,
  ];
}

/** Counts statuses by condition, including zeros. */
export function conditionCounts(types: readonly string[], statuses: readonly (Conditioned | undefined)[]): readonly ConditionCount[] {
  const said = new Map<string, number>();
  for (const { type, status } of statuses.flatMap((each) => each?.conditions ?? []))
    said.set(`${type} ${status}`, (said.get(`${type} ${status}`) ?? 0) + 1);
  return types.flatMap((condition) =>
    CONDITION_STATUSES.map((status) => ({ condition, status, count: said.get(`${condition} ${status}`) ?? 0 })),
  );
}
