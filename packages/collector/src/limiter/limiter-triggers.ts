import { isDeepStrictEqual } from "node:util";
import { DESTINATION_RULE, type ObjectRef, objectOf, refOf, SERVICE, SMART_LIMITER, type SmartLimiter } from "@fenceline/api";
import type { Triggers } from "@fenceline/control";
import type { MeshChanges } from "@fenceline/store";
import type { LimiterReconciler } from "./limiter-reconciler.ts";

type Named = Pick<SmartLimiter, "metadata">;

/**
 * What has limiters looked at beside changes of their own: Services and endpoints that they read,
 * DestinationRules, the other limiters of their namespace, and what Istio's namespaces are.
 */
export class LimiterTriggers implements Triggers<SmartLimiter> {
  readonly #reconciler: Pick<LimiterReconciler, "reads" | "besides" | "changed">;

  constructor(reconciler: Pick<LimiterReconciler, "reads" | "besides" | "changed">) {
    this.#reconciler = reconciler;
  }

  /** The owner of an EnvoyFilter renders what its members decided, so all of them are looked at. */
  concernedBy(changes: MeshChanges): readonly ObjectRef[] | "all" {
    if (changes.meshConfigs.length > 0) return "all";
    return [...this.#touched(changes)].flatMap((namespace) =>
      this.#reconciler.besides(namespace).map((limiter) => refOf(SMART_LIMITER.name, limiter)),
    );
  }

  keepUp(changes: MeshChanges): void {
    this.#reconciler.changed(this.#touched(changes));
  }

  /** Namespaces whose limiters read something that changed: nothing of other namespaces. */
  #touched(changes: MeshChanges): ReadonlySet<string> {
    // A status of one says nothing to the others, and is written after each look.
    const limiters = changes.of(SMART_LIMITER).filter(({ before, after }) => !isDeepStrictEqual(before?.spec, after?.spec));
    const changed = [...limiters, ...[DESTINATION_RULE, SERVICE].flatMap((kind) => changes.of<Named>(kind))].flatMap(
      (change) => objectOf<Named>(change)?.metadata.namespace ?? [],
    );
    return new Set([...changed, ...this.#reconciler.reads.concernedBy(changes).map(({ namespace }) => namespace)]);
  }
}
