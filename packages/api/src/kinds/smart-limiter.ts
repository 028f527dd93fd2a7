import { z } from "zod";
import { duration } from "../duration-field.ts";
import { Labels, ObjectMeta } from "../object.ts";
import { conditionPath, reasonPath } from "./condition.ts";
import { alsoNamed, eitherSpelling } from "./field-names.ts";
import { integerOrText, text, wordOrNumber } from "./fields.ts";
import type { OwnKind, PrinterColumn } from "./kind.ts";
import { normalizer } from "./normalize.ts";
import { readLimiterStatus, SmartLimiterStatus } from "./smart-limiter-status.ts";
import { validations } from "./structural-schema.ts";

/** Slime's group; both versions have one schema, and the first is stored. */
export const LIMITER_API_VERSIONS = ["microservice.slime.io/v1alpha2", "microservice.slime.io/v1alpha1"] as const;

const MOST_DESCRIPTORS = 100;
const MOST_MATCHES = 16;
const Name = text({ min: 1, max: 253 });
/** A number of requests, as Envoy's buckets hold it. */
const Quota = z.int().min(1).max(4_294_967_295);

const MATCH_SOURCES = ["HeadMatch", "QueryMatch", "JsonBodyMatch", "SourceIpMatch", "PathMatch", "MethodMatch"] as const;

const Matcher = z.strictObject(
  eitherSpelling({
    name: text({ max: 253 }).optional().describe("Name of the header, or of the query parameter."),
    matchSource: wordOrNumber(MATCH_SOURCES)
      .default("HeadMatch")
      .describe(
        "What is looked at: a header, a query parameter, the address of the caller, the path without its query, or the method. JsonBodyMatch is refused: no Envoy of Istio can do it.",
      ),
    exactMatch: text({ max: 1_024 })
      .optional()
      .describe(
        "The value itself. Of addresses: one or several, with commas between them, each an address or a range such as `10.0.0.0/8`.",
      ),
    prefixMatch: text({ max: 1_024 }).optional().describe("How the value begins."),
    suffixMatch: text({ max: 1_024 }).optional().describe("How the value ends."),
    regexMatch: text({ max: 1_024 }).optional().describe("A regular expression of RE2 for the whole value. Comes before the others."),
    isExactMatchEmpty: z.boolean().default(false).describe("The header is there, and empty."),
    presentMatch: z.boolean().default(false).describe("The header, or query parameter, is there."),
    invertMatch: z.boolean().default(false).describe("Holds where the rest of this entry does not."),
    presentMatchSeparate: z.boolean().default(false).describe("Slime's word for `distinct`."),
    distinct: z
      .boolean()
      .default(false)
      .describe("Each value has a quota of its own. Calls without the header or query parameter are not limited by this rule."),
    useQueryMatch: z.boolean().default(false).describe("Slime's older word for `matchSource: QueryMatch`."),
  }),
);
export type LimitMatcher = z.infer<typeof Matcher>;

const Target = z.strictObject({
  direction: text({ max: 32 })
    .optional()
    .describe("`outbound`: calls of these pods, or through this gateway. Anything else: calls to these pods."),
  port: z
    .int()
    .min(0)
    .max(65_535)
    .optional()
    .describe(
      "Calls to it: a port of the Services in front of the pods, whatever it is at the pods; one that none has is the pods' own. 0 or none is each port, with a quota of its own.",
    ),
  route: z
    .array(text({ min: 1, max: 512 }))
    .max(MOST_DESCRIPTORS)
    .optional()
    .describe("`<virtual host>/<name of the route>` in the caller's Envoy; an empty virtual host is every one."),
  host: z
    .array(text({ min: 1, max: 253 }))
    .max(MOST_DESCRIPTORS)
    .optional()
    .describe("Whole virtual hosts of the caller's Envoy. Counts beside limits of their routes."),
});
export type LimitTarget = z.infer<typeof Target>;

const Interval = z.strictObject({
  seconds: integerOrText(9).optional().describe("Whole seconds."),
  nanos: z.int().min(0).max(999_999_999).optional().describe("The rest of a second."),
});

const Header = z.strictObject({
  key: Name.describe("Name of the header."),
  value: text({ max: 1_024 }).default("").describe("Its value."),
});

const Step = z
  .strictObject({
    by: Quota.optional().describe("A number of requests."),
    percent: z.int().min(1).max(100).optional().describe("A part of the quota before, rounded up."),
  })
  .meta(validations({ rule: "has(self.by) != has(self.percent)", message: "either `by` or `percent`" }))
  .refine(({ by, percent }) => (by === undefined) !== (percent === undefined), { message: "either `by` or `percent`" });

const Cost = z
  .strictObject({
    number: z.int().min(0).max(1_000_000_000).optional().describe("What each request costs."),
    header: Name.optional().describe("Header of the request that says what it costs; without it, 1."),
  })
  .meta(validations({ rule: "has(self.number) != has(self.header)", message: "either `number` or `header`" }))
  .refine(({ number, header }) => (number === undefined) !== (header === undefined), { message: "either `number` or `header`" });

const LIMIT_KINDS = ["rate", "concurrency"] as const;

const Percent = z.int().min(1).max(100);

const Concurrency = z.strictObject(
  eitherSpelling({
    percentile: Percent.max(99).default(50).describe("Percentile of the latencies of an interval that is compared with the least latency."),
    measureEvery: duration
      .default("60s")
      .describe(
        "How often the least latency is measured anew, for which no more than `least` requests pass at a time. What is shorter than 1s counts as one.",
      ),
    measuredRequests: z.int().min(1).max(100_000).default(50).describe("How many requests such a measurement takes."),
    least: Quota.max(1_000_000).default(3).describe("Requests that are let through at a time in any case; no more than the quota."),
    buffer: Percent.default(25).describe(
      "How much longer than the least latency a request may take before the limit goes down, in percent.",
    ),
  }),
);

const Action = z.strictObject(
  eitherSpelling({
    kind: z
      .enum(LIMIT_KINDS)
      .default("rate")
      .describe(
        "rate: so many requests in an interval. concurrency: so many requests at a time as each proxy works out from latencies, `quota` at most; others are answered with 503.",
      ),
    concurrency: Concurrency.prefault({}).describe("How a limit of kind concurrency is worked out."),
    quota: text({ min: 1, max: 1_024 }).describe(
      "Requests per interval: a number, or an expression over values, in CEL (`max(100 / _base.pod, 5)`) or in Slime's form (`100/{{._base.pod}}`). Rounded up.",
    ),
    fillInterval: Interval.describe(
      "How long the quota lasts; of kind concurrency, how often the limit is worked out. At least 50 ms, as Envoy has it; with `strategy: global` 1 s, 60 s, 3600 s or 86400 s.",
    ),
    strategy: text({ max: 32 })
      .optional()
      .describe(
        "single, the default: each proxy counts for itself. average: the same, and the quota is what one proxy has of the whole, as in `100/{{._base.pod}}`. global: the rate limit service counts for all proxies.",
      ),
    headersToAdd: z.array(Header).max(20).default([]).describe("Headers of the answer to a request that is refused."),
    min: Quota.optional().describe("Least quota. Without it a quota of 0 or less is an error, and the last one stays."),
    max: Quota.optional().describe("Most quota. Default: what Envoy can count."),
    largestStep: Step.optional().describe("Most that the quota changes at once. Default: any."),
    stepEvery: duration
      .default("30s")
      .describe("Pause between two changes where `largestStep` is given. What is shorter than a second counts as one."),
    for: duration
      .default("0s")
      .describe("How long the condition has to be true, or false, and the quota higher, or lower, before that counts. 0s: at once."),
    staleAfter: duration
      .default("5m")
      .describe(
        "How long the last quota stays in force without values. At least `for`, and at least a second: what is shorter counts as that.",
      ),
    fallback: Quota.optional().describe("Quota from then on, and while there never were values. Default: the last one stays."),
    shadow: z.boolean().default(false).describe("Counts, and refuses nothing."),
    rateLimitHeaders: z
      .boolean()
      .default(false)
      .describe("Answers say in `X-RateLimit-*` what is left of the tightest rule, and in `Retry-After` when to come again."),
    cost: Cost.optional().describe("What a request takes from the quota. Default 1."),
    maxDistinct: z
      .int()
      .min(1)
      .max(10_000)
      .default(1_000)
      .describe("Most values of a `distinct` match that have a quota at a time; the longest unused goes."),
  }),
);
export type LimitAction = z.infer<typeof Action>;

const Descriptor = z.strictObject(
  eitherSpelling({
    name: text({ min: 1, max: 63 })
      .optional()
      .describe("Tells the rule from others in the status, and keeps its counters when rules change places."),
    condition: text({ min: 1, max: 1_024 }).describe(
      "Whether the rule is in force: `true`, `false`, or an expression such as `_base.cpu > 80`.",
    ),
    action: Action.describe("What is limited, to how much."),
    match: z.array(Matcher).max(MOST_MATCHES).default([]).describe("Calls that the rule counts: all of these hold. Default: every call."),
    target: Target.optional().describe("Where the calls are. In place of `spec.target`, whole."),
    customKey: text({ max: 253 })
      .optional()
      .describe("A descriptor that routes of your own make: only the quota is rendered, and `customValue` goes with it."),
    customValue: text({ max: 1_024 }).optional().describe("See `customKey`."),
  }),
);
export type LimitDescriptor = z.infer<typeof Descriptor>;

/** All pods, or a subset as Istio names one. It stands in the names of what is rendered. */
const SetName = text({ min: 1, max: 63, pattern: /^(?:_base|[A-Za-z0-9](?:[-A-Za-z0-9]*[A-Za-z0-9])?)$/ });

const Sets = z
  .record(SetName, z.strictObject({ descriptor: z.array(Descriptor).max(MOST_DESCRIPTORS).default([]).meta(alsoNamed("descriptors")) }))
  .default({});

const Query = z.strictObject({
  query: text({ min: 1, max: 4_096 }).describe(
    "PromQL that gives one number. `$namespace` is the limiter's, `$pod_name` the names of the pods of each set, with `|` between them: each set has a value of its own then, `<set>.<name>`.",
  ),
});

export const SmartLimiterSpec = z.strictObject(
  eitherSpelling({
    sets: Sets.describe(
      "Rules, by the pods that they are for: `_base` is all pods of the workload, any other key a subset of the DestinationRule for its Service.",
    ),
    target: Target.optional().describe("Where the calls of rules without a target of their own are."),
    gateway: z.boolean().default(false).describe("The proxies are a gateway."),
    workloadSelector: Labels.default({}).describe("Labels of the pods. Default: the selector of the Service with the limiter's name."),
    host: text({ max: 253 })
      .optional()
      .describe("Host of a ServiceEntry of the namespace whose pods are meant, where no `workloadSelector` is given."),
    metrics: z
      .record(text({ min: 1, max: 253 }), Query)
      .default({})
      .describe(
        "Values that expressions may name, beside those of the configuration, which it hides by the same name. Taken only where the configuration has `limiters.ownQueries`; 32 at most.",
      ),
    rls: text({ max: 253 }).optional().describe("Slime's; ignored. The rate limit service stands in the configuration."),
  }),
);
export type SmartLimiterSpec = z.infer<typeof SmartLimiterSpec>;

export const SmartLimiter = z.object({
  apiVersion: z.enum(LIMITER_API_VERSIONS),
  kind: z.literal("SmartLimiter"),
  metadata: ObjectMeta,
  spec: SmartLimiterSpec.prefault({}),
  status: z
    .unknown()
    .optional()
    .transform((status) => readLimiterStatus(status).status),
});
export type SmartLimiter = z.infer<typeof SmartLimiter>;

const COLUMNS: readonly PrinterColumn[] = [
  { name: "Accepted", type: "string", jsonPath: conditionPath("Accepted"), description: "Whether all rules can be read." },
  { name: "Active", type: "string", jsonPath: conditionPath("Active"), description: "Whether some rule limits calls." },
  { name: "Quota", type: "string", jsonPath: ".status.quotas", description: "Quotas in force, rule by rule." },
  { name: "Stale", type: "string", jsonPath: conditionPath("Stale"), description: "Whether values are missing.", priority: 1 },
  { name: "Reason", type: "string", jsonPath: reasonPath("Active"), description: "Why it is active or not.", priority: 1 },
  { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp", description: "Since when the limiter exists." },
];

/** Limits how many calls a workload takes, makes, or lets through. */
export const SMART_LIMITER: OwnKind<SmartLimiter, SmartLimiterStatus, "SmartLimiter"> = {
  name: "SmartLimiter",
  plural: "smartlimiters",
  singular: "smartlimiter",
  shortNames: ["sml"],
  apiVersions: LIMITER_API_VERSIONS,
  isNamespaced: true,
  schema: SmartLimiter,
  spec: SmartLimiterSpec,
  status: SmartLimiterStatus,
  columns: COLUMNS,
  faultCondition: "Accepted",
  description: {
    kind: "How many calls a workload takes, makes, or lets through, by numbers or by what is measured.",
    spec: "What its author says.",
    status: "What is in force, and why.",
  },
  errorPrefix: "LIMITER",
  normalize: normalizer(SmartLimiterSpec),
  inForce: { conditions: ["Rendered", "Active"], fields: ["quotas", "rules", "ratelimitStatus"] },
  readStatus: readLimiterStatus,
};
