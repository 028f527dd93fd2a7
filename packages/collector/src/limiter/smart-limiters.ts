import { SMART_LIMITER } from "@fenceline/api";
import type { DrivenKind } from "@fenceline/control";
import type { KindContext } from "../kind-context.ts";
import { LimiterReconciler } from "./limiter-reconciler.ts";
import { LimiterTriggers } from "./limiter-triggers.ts";

/** SmartLimiter in a collector. */
export function smartLimiters(context: KindContext): DrivenKind {
  const { givenValues } = context;
  const reconciler = new LimiterReconciler({
    ...context,
    onRenderedFor: (of) => context.runs.enqueueStatus(of),
    obstacles: (of) => context.runs.obstacles(of),
    values: () => givenValues ?? new Map(),
    metrics: () => new Map([...(givenValues?.keys() ?? [])].map((name) => [name, { isPerSet: false }])),
  });
  return { kind: SMART_LIMITER, reconciler, triggers: new LimiterTriggers(reconciler, context) } as DrivenKind;
}
