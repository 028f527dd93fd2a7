import type { EnvoyValue } from "@fenceline/api";
import { seconds } from "../envoy/patch.ts";
import { literalValue } from "./header-names.ts";
import type { DescriptorEntry, LimitActions } from "./limit-actions.ts";
import type { LimitedRule } from "./limit-rules.ts";

type Fields = { readonly [field: string]: EnvoyValue };

const LOCAL_LIMIT = "type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit";

/** Slime's prefix, so that dashboards continue to work. */
const STAT_PREFIX = "http_local_rate_limiter";
const ALL = { numerator: 100, denominator: "HUNDRED" };
/** Envoy requires a bucket for calls that no rule counts. It is never used: see below. */
const DEFAULT_BUCKET = { max_tokens: 4_294_967_295, tokens_per_fill: 4_294_967_295, fill_interval: "1s" };

/** The filter in the chain. It limits nothing by itself: the routes configure the limits. */
export const LOCAL_LIMIT_FILTER = { "@type": LOCAL_LIMIT, stat_prefix: STAT_PREFIX } as const;

/**
 * The configuration of the local filter at one place. It has all rules that count calls there:
 * Envoy uses one configuration of a filter for a route.
 */
export function localLimit(rules: readonly LimitedRule[]): Fields {
  const actions = rules.map(({ rule }) => rule.descriptor.action);
  const said = rateLimits(rules);
  const headers = actions.flatMap(({ headersToAdd }) => headersToAdd);
  const distinct = rules.filter(({ rule }) => rule.alternatives.some(({ entries }) => entries.some(({ value }) => value === undefined)));
  return {
    "@type": LOCAL_LIMIT,
    stat_prefix: STAT_PREFIX,
    token_bucket: DEFAULT_BUCKET,
    filter_enabled: { default_value: ALL, runtime_key: "local_rate_limit_enabled" },
    filter_enforced: { default_value: ALL, runtime_key: "local_rate_limit_enforced" },
    // Without this, each call also takes from the default bucket: a limit that nobody wrote.
    always_consume_default_token_bucket: false,
    ...(said.length > 0 && { rate_limits: said }),
    descriptors: withoutRepeats(rules.flatMap(localDescriptors)),
    ...(distinct.length > 0 && { max_dynamic_descriptors: Math.max(...distinct.map(({ rule }) => rule.descriptor.action.maxDistinct)) }),
    ...(headers.length > 0 && {
      response_headers_to_add: headers.map(({ key, value }) => ({
        header: { key, value: literalValue(value) },
        append_action: "APPEND_IF_EXISTS_OR_ADD",
      })),
    }),
    ...(actions.some(({ rateLimitHeaders }) => rateLimitHeaders) && {
      enable_x_ratelimit_headers: "DRAFT_VERSION_03",
      enable_retry_after_header: true,
    }),
  };
}

/**
 * The actions for these rules. They are in the filter's own configuration: Envoy accepts a cost
 * only there, and a route may have actions for a filter of somebody else.
 */
function rateLimits(rules: readonly LimitedRule[]): readonly Fields[] {
  return rules.flatMap(({ rule }) =>
    rule.alternatives
      .filter(({ actions }) => actions.length > 0)
      .map(({ actions }) => ({ actions, ...costOf(rule.descriptor.action.cost) })),
  );
}

function costOf(cost: LimitedRule["rule"]["descriptor"]["action"]["cost"]): Fields {
  if (cost === undefined) return {};
  return { hits_addend: cost.header === undefined ? { number: cost.number ?? 1 } : { format: `%REQ(${cost.header})%` } };
}

function localDescriptors({ rule, quota }: LimitedRule): readonly Fields[] {
  const token_bucket = { max_tokens: quota, tokens_per_fill: quota, fill_interval: seconds(rule.interval) };
  const { shadow } = rule.descriptor.action;
  return rule.alternatives.map(({ entries }: LimitActions) => ({
    entries: entries.map(entryOf),
    token_bucket,
    ...(shadow && { shadow_mode: true }),
  }));
}

/**
 * Envoy rejects a configuration with the same descriptor twice, as from two rules with one
 * `customKey`. The one of the oldest limiter counts.
 */
function withoutRepeats(descriptors: readonly Fields[]): readonly Fields[] {
  const byEntries = new Map<string, Fields>();
  for (const descriptor of descriptors) {
    const id = JSON.stringify(descriptor.entries);
    if (!byEntries.has(id)) byEntries.set(id, descriptor);
  }
  return [...byEntries.values()];
}

/** In Envoy, an entry without a value matches every value. */
function entryOf({ key, value = "" }: DescriptorEntry): Fields {
  return value === "" ? { key } : { key, value };
}
