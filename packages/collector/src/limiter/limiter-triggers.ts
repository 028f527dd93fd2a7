import { type ObjectRef, refOf, SMART_LIMITER, type SmartLimiter } from "@fenceline/api";
import type { Runs, Triggers } from "@fenceline/control";
import type { MeshChanges } from "@fenceline/store";
import { unreadKinds } from "../fence/mesh-objects-condition.ts";
import type { KindContext } from "../kind-context.ts";
import type { LimiterReconciler } from "./limiter-reconciler.ts";

/**
 * Causes runs of limiters beside those for their own changes: for Services and endpoints that they
 * read, DestinationRules, other limiters for their pods, and which namespaces are Istio's.
 */
export class LimiterTriggers implements Triggers<SmartLimiter> {
  readonly #reconciler: Pick<LimiterReconciler, "keepUp">;
  readonly #store: Pick<KindContext["store"], "unread" | "snapshot">;
  readonly #runs: Pick<Runs, "enqueue" | "enqueueStatus">;
  /** What could not be read when the limiters were last told. */
  #unread = "";

  constructor(reconciler: Pick<LimiterReconciler, "keepUp">, { store, runs }: Pick<KindContext, "store" | "runs">) {
    this.#reconciler = reconciler;
    this.#store = store;
    this.#runs = runs;
  }

  /** No change event tells that a right was lost or given. */
  tick(): void {
    const unread = unreadKinds(this.#store)
      .map(({ kind, reason }) => `${kind.plural} ${reason}`)
      .join();
    if (unread === this.#unread) return;
    this.#unread = unread;
    for (const limiter of this.#store.snapshot().of(SMART_LIMITER)) this.#runs.enqueueStatus(refOf(SMART_LIMITER.name, limiter));
  }

  concernedBy({ meshConfigs }: MeshChanges): readonly ObjectRef[] | "all" {
    return meshConfigs.length > 0 ? "all" : [];
  }

  /** Which limiters share an EnvoyFilter is known after the change is taken over. */
  keepUp(changes: MeshChanges): void {
    for (const of of this.#reconciler.keepUp(changes)) this.#runs.enqueue(of);
  }
}
