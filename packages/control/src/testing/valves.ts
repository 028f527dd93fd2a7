/** The second kind of ours, which lives in tests only, as a controller runs it. */
import type { ObjectRef } from "@fenceline/api";
import { renderValve, VALVE, type Valve, type ValveStatus } from "@fenceline/api/testing";
import type { Store } from "@fenceline/store";
import type { Desired, Reconciler } from "../reconciler.ts";
import type { DrivenKind } from "../triggers.ts";

class ValveReconciler implements Reconciler<Valve, ValveStatus> {
  readonly kind = VALVE;
  readonly #store: Pick<Store, "objectOf">;

  constructor(store: Pick<Store, "objectOf">) {
    this.#store = store;
  }

  observe(of: ObjectRef): Valve | undefined {
    return this.#store.objectOf(VALVE, of);
  }

  desired(valve: Valve): Desired<ValveStatus> {
    return { objects: [renderValve(valve)], status: { shown: Math.min(valve.spec.hosts.length, valve.spec.most) } };
  }

  statusToWrite(of: ObjectRef, { status }: Desired<ValveStatus>): ValveStatus | undefined {
    return this.observe(of)?.status.shown === status.shown ? undefined : status;
  }
}

/** Its line in a table of drivers. */
export function valves({ store }: { readonly store: Pick<Store, "objectOf"> }): DrivenKind<Valve> {
  return { kind: VALVE, reconciler: new ValveReconciler(store) };
}
