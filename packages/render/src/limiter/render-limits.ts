import type { ConfigPatch, EnvoyFilter, EnvoyValue, Labels, RenderedMeta } from "@fenceline/api";
import { filterSpec, type HttpFilter, httpFilterPatches } from "../envoy/filter-order.ts";
import { mergedInto } from "../envoy/patch.ts";
import { concurrencyFilter, concurrencyPatches, isConcurrency } from "./concurrency-limit.ts";
import { atPodPorts, isWide, type LimitPlace, type PodPorts, placeText, widePlaceText } from "./limit-place.ts";
import type { LimitedRule } from "./limit-rules.ts";
import { LOCAL_LIMIT_FILTER, localLimit } from "./local-limit.ts";

/** The input of {@link renderLimits}. */
export interface LimitsInput {
  readonly metadata: RenderedMeta;
  /** Labels of the pods. */
  readonly labels: Labels;
  /** Name of the filter in the chain. Pods with two EnvoyFilters need two names. */
  readonly filterName: string;
  /** Rules in force, of all limiters for these pods. */
  readonly rules: readonly LimitedRule[];
  readonly podPorts: PodPorts;
}

/** Name of Envoy's local rate limit filter, as in Slime and in Istio's documents. */
export const LOCAL_LIMIT_NAME = "envoy.filters.http.local_ratelimit";

/** All rules that count calls at one place, including those of a wider place. */
interface PlacedRules {
  readonly place: LimitPlace;
  readonly rules: readonly LimitedRule[];
}

/**
 * The EnvoyFilter with the limits of some pods: one filter for each direction of calls, and for
 * each place one configuration with all its rules.
 *
 * The wider place comes first. For a route, the last configuration of a filter counts, so it
 * repeats the rules of wider places.
 */
export function renderLimits({ metadata, labels, filterName, rules, podPorts }: LimitsInput): EnvoyFilter | undefined {
  const placed = rules.map((each) => atPorts(each, podPorts));
  const contexts = [...new Set(placed.flatMap(({ rule }) => rule.places).map(({ context }) => context))];
  if (contexts.length === 0) return undefined;
  const patches = contexts.flatMap((context) => contextPatches(placed, context, filterName));
  return { apiVersion: "networking.istio.io/v1alpha3", kind: "EnvoyFilter", metadata, spec: filterSpec("limit", labels, patches) };
}

/**
 * Rules that use actions of somebody else's routes (`customKey`) need a filter of their own: a
 * filter with actions does not look at those of a route.
 */
function contextPatches(all: readonly LimitedRule[], context: LimitPlace["context"], filterName: string): readonly ConfigPatch[] {
  const rules = all.filter((each) => !isConcurrency(each));
  const concurrency = all.filter((each) => isConcurrency(each) && each.rule.places.some((place) => place.context === context));
  const named = [false, true].flatMap((custom) => {
    const own = rules.filter((each) => isCustom(each) === custom);
    return withFilters(custom ? `${filterName}.custom` : filterName, placedRules(own, context));
  });
  const patches = named.map(({ filter, place, rules: placed }) => mergedInto({ ...place }, perFilter(filter, localLimit(placed))));
  // Behind the others: what they refuse is not under way.
  const filters = [...[...new Set(named.map(({ filter }) => filter))].map(limitFilter), ...concurrency.map(concurrencyFilter)];
  return [...patches, ...concurrency.flatMap((each) => concurrencyPatches(each, context)), ...httpFilterPatches(filters, { context })];
}

/**
 * The filters for some places. A route's own configuration of a filter hides that of its virtual
 * host. With one filter for each, both count.
 */
function withFilters(name: string, placed: readonly PlacedRules[]): readonly (PlacedRules & { readonly filter: string })[] {
  const hasRoutes = placed.some(({ place }) => place.applyTo === "HTTP_ROUTE");
  return placed.map((each) => ({ ...each, filter: each.place.applyTo === "VIRTUAL_HOST" && hasRoutes ? `${name}.host` : name }));
}

function isCustom({ rule }: LimitedRule): boolean {
  return rule.alternatives.every(({ actions }) => actions.length === 0);
}

function perFilter(name: string, config: { readonly [field: string]: EnvoyValue }) {
  return { typed_per_filter_config: { [name]: config } };
}

function limitFilter(name: string): HttpFilter {
  return { name, phase: "limit", config: LOCAL_LIMIT_FILTER };
}

function atPorts({ rule, quota }: LimitedRule, podPorts: PodPorts): LimitedRule {
  return { rule: { ...rule, places: rule.places.flatMap((place) => atPodPorts(place, podPorts)) }, quota };
}

/** Routes before hosts, and the widest place before narrower ones. */
function placedRules(rules: readonly LimitedRule[], context: LimitPlace["context"]): readonly PlacedRules[] {
  const places = new Map<string, { readonly place: LimitPlace; readonly own: Set<LimitedRule> }>();
  for (const each of rules)
    for (const place of each.rule.places.filter((one) => one.context === context)) {
      const known = places.get(placeText(place)) ?? { place, own: new Set() };
      known.own.add(each);
      places.set(placeText(place), known);
    }
  const placed = [...places.values()].map(({ place, own }) => {
    const wide = places.get(widePlaceText(place))?.own;
    return { place, rules: rules.filter((each) => own.has(each) || wide?.has(each)) };
  });
  return placed.toSorted((a, b) => rankOf(a.place) - rankOf(b.place));
}

function rankOf(place: LimitPlace): number {
  if (place.applyTo === "VIRTUAL_HOST") return 2;
  return isWide(place) ? 0 : 1;
}
