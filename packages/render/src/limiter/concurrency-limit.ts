import { type ConfigPatch, durationMs, type EnvoyValue } from "@fenceline/api";
import type { HttpFilter } from "../envoy/filter-order.ts";
import { mergedInto, seconds } from "../envoy/patch.ts";
import type { LimitPlace } from "./limit-place.ts";
import type { LimitedRule } from "./limit-rules.ts";

const NAME = "envoy.filters.http.adaptive_concurrency";
const CONFIG = "type.googleapis.com/envoy.extensions.filters.http.adaptive_concurrency.v3.AdaptiveConcurrency";
const ROUTE_CONFIG = "type.googleapis.com/envoy.config.route.v3.FilterConfig";

/** Part of a measurement's interval by which proxies differ, so that not all measure at a time. */
const JITTER = { value: 15 };
/** Shortest time between two measurements, in milliseconds: each lets few requests through. */
const SHORTEST_MEASURING = 1_000;

/** Whether the rule limits how many requests are under way, and not how many come. */
export function isConcurrency({ rule }: LimitedRule): boolean {
  return rule.descriptor.action.kind === "concurrency";
}

/**
 * The filter of a limit of concurrency. Envoy configures it in the chain alone, so each rule has
 * one of its own, which is off unless a route or a virtual host turns it on.
 */
export function concurrencyFilter(limited: LimitedRule): HttpFilter {
  return { name: nameOf(limited), phase: "limit", config: concurrencyConfig(limited), isOff: true };
}

/** Turns the filter on at the places of the rule. */
export function concurrencyPatches(limited: LimitedRule, context: LimitPlace["context"]): readonly ConfigPatch[] {
  const places = limited.rule.places.filter((place) => place.context === context);
  // Envoy takes an empty `config` for on.
  const on = { typed_per_filter_config: { [nameOf(limited)]: { "@type": ROUTE_CONFIG, config: {} } } };
  return places.map((place) => mergedInto({ ...place }, on));
}

function nameOf({ rule }: LimitedRule): string {
  return `${NAME}.${rule.id}`;
}

function concurrencyConfig({ rule, quota }: LimitedRule): { readonly "@type": string; readonly [field: string]: EnvoyValue } {
  const { percentile, measureEvery, measuredRequests, least, buffer } = rule.descriptor.action.concurrency;
  return {
    "@type": CONFIG,
    gradient_controller_config: {
      sample_aggregate_percentile: { value: percentile },
      concurrency_limit_params: { max_concurrency_limit: quota, concurrency_update_interval: seconds(rule.interval) },
      min_rtt_calc_params: {
        interval: seconds(Math.max(SHORTEST_MEASURING, durationMs(measureEvery))),
        request_count: measuredRequests,
        min_concurrency: Math.min(least, quota),
        jitter: JITTER,
        buffer: { value: buffer },
      },
    },
    enabled: { default_value: true, runtime_key: "adaptive_concurrency.enabled" },
  };
}
