import { SMART_LIMITER } from "@fenceline/api";
import type { DrivenKind } from "@fenceline/control";
import type { KindContext } from "../kind-context.ts";
import { limiterMetrics } from "./limiter-metrics.ts";
import { LimiterReconciler } from "./limiter-reconciler.ts";
import { LimiterTriggers } from "./limiter-triggers.ts";
import { LimiterValues } from "./limiter-values.ts";
import { ValueRounds } from "./value-rounds.ts";

/** SmartLimiter in a collector. */
export function smartLimiters(context: KindContext): DrivenKind {
  const { givenValues, config, runs } = context;
  const values = new LimiterValues();
  const reconciler = new LimiterReconciler({
    ...context,
    onRenderedFor: (of) => runs.enqueueStatus(of),
    onWaiting: (limiters) => {
      for (const of of limiters) runs.enqueue(of);
    },
    obstacles: (of) => runs.obstacles(of),
    values: (of, metrics) => (givenValues === undefined ? values.of(of, metrics) : { values: givenValues, faults: new Map() }),
    metrics: (limiter) => limiterMetrics(limiter, config.limiters, givenValues?.keys()),
  });
  const rounds = new ValueRounds({
    ...context,
    values,
    queries: () => reconciler.queries(),
    onChanged: (of) => {
      for (const each of reconciler.withValuesOf(of)) runs.enqueue(each);
    },
  });
  return { kind: SMART_LIMITER, reconciler, triggers: new LimiterTriggers(reconciler, rounds, context) } as DrivenKind;
}
