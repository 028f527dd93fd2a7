import { z } from "zod";
import { durationBetween } from "../duration-field.ts";
import { LabelKey } from "../label-selector.ts";

const MOST_METRICS = 64;

const Metric = z.strictObject({
  query: z
    .string()
    .min(1)
    .max(4_096)
    .describe(
      "PromQL that gives one number. `$namespace` stands for the limiter's namespace, `$pod_name` for the names of the pods of each set, with `|` between them: each set has a value of its own then, `<set>.<name>`.",
    ),
  type: z
    .union([z.enum(["Value", "Group"]), z.literal([0, 1])])
    .optional()
    .describe("Slime's field. It has no effect: a query gives one number."),
});

/** Where the numbers that SmartLimiters go by come from. */
export const Limiters = z.strictObject({
  interval: durationBetween("100ms", "1h")
    .default("30s")
    .describe("How often the values of metrics are asked for. From 100ms to 1h. A quota follows its values no faster."),
  metrics: z
    .record(z.string().min(1).max(253), Metric)
    .refine((metrics) => Object.keys(metrics).length <= MOST_METRICS, { message: `more than ${MOST_METRICS} metrics` })
    .default({})
    .describe(
      "Values that the expressions of every SmartLimiter may name, by name: `{qps: {query: …}}`. They are asked of the servers of `telemetry.prometheus`. At most 64. Slime's `metric.prometheus.handlers` of its limiter.",
    ),
  serviceEntryLabels: z
    .array(LabelKey)
    .max(16)
    .default(["app"])
    .describe(
      "Labels of a ServiceEntry that its pods have as well: by them a SmartLimiter with `spec.host` finds its pods where the ServiceEntry has no workloadSelector. At most 16. Slime's `global.misc.seLabelSelectorKeys`.",
    ),
  ownQueries: z
    .boolean()
    .default(false)
    .describe(
      "Whether a SmartLimiter may bring queries of its own (`spec.metrics`). Whoever may write one then reads every number of this Prometheus by its status.",
    ),
});
export type Limiters = z.infer<typeof Limiters>;
