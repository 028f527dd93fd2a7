import type { ObjectRef, SmartLimiter } from "@fenceline/api";
import type { Runs, Triggers } from "@fenceline/control";
import type { MeshChanges } from "@fenceline/store";
import type { LimiterReconciler } from "./limiter-reconciler.ts";

/**
 * What has limiters looked at beside changes of their own: Services and endpoints that they read,
 * DestinationRules, the other limiters for their pods, and what Istio's namespaces are.
 */
export class LimiterTriggers implements Triggers<SmartLimiter> {
  readonly #reconciler: Pick<LimiterReconciler, "keepUp">;
  readonly #runs: Pick<Runs, "enqueue">;

  constructor(reconciler: Pick<LimiterReconciler, "keepUp">, runs: Pick<Runs, "enqueue">) {
    this.#reconciler = reconciler;
    this.#runs = runs;
  }

  concernedBy({ meshConfigs }: MeshChanges): readonly ObjectRef[] | "all" {
    return meshConfigs.length > 0 ? "all" : [];
  }

  /** Which limiters share an EnvoyFilter is known once the change is taken over. */
  keepUp(changes: MeshChanges): void {
    for (const of of this.#reconciler.keepUp(changes)) this.#runs.enqueue(of);
  }
}
