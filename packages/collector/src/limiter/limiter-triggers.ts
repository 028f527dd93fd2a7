import { DESTINATION_RULE, type ObjectRef, objectOf, refOf, SMART_LIMITER, type SmartLimiter } from "@fenceline/api";
import type { Triggers } from "@fenceline/control";
import type { MeshChanges } from "@fenceline/store";
import type { LimiterReconciler } from "./limiter-reconciler.ts";

type Named = Pick<SmartLimiter, "metadata">;

/**
 * What has limiters looked at beside changes of their own: Services and endpoints that they read,
 * DestinationRules, and the other limiters of their namespace.
 */
export class LimiterTriggers implements Triggers<SmartLimiter> {
  readonly #reconciler: Pick<LimiterReconciler, "reads" | "besides">;

  constructor(reconciler: Pick<LimiterReconciler, "reads" | "besides">) {
    this.#reconciler = reconciler;
  }

  /** The owner of an EnvoyFilter renders what its members decided, so all of them are looked at. */
  concernedBy(changes: MeshChanges): readonly ObjectRef[] {
    const changed = [SMART_LIMITER, DESTINATION_RULE]
      .flatMap((kind) => changes.of<Named>(kind))
      .flatMap((change) => objectOf(change)?.metadata.namespace ?? []);
    const reading = this.#reconciler.reads.concernedBy(changes).map(({ namespace }) => namespace);
    return [...new Set([...changed, ...reading])].flatMap((namespace) =>
      this.#reconciler.besides(namespace).map((limiter) => refOf(SMART_LIMITER.name, limiter)),
    );
  }
}
