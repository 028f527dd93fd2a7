import type { ConfigPatch, EnvoyFilter, EnvoyValue, Labels, RenderedMeta } from "@fenceline/api";
import { filterSpec, type HttpFilter, httpFilterPatches } from "../envoy/filter-order.ts";
import { mergedInto } from "../envoy/patch.ts";
import { type LimitPlace, placeText, widePlaceText } from "./limit-place.ts";
import type { LimitedRule } from "./limited-rule.ts";
import { LOCAL_LIMIT_FILTER, localLimit, rateLimits } from "./local-limit.ts";

/** What the limits of some pods are rendered from. */
export interface LimitsInput {
  readonly metadata: RenderedMeta;
  /** Labels of the pods. */
  readonly labels: Labels;
  /** Name of the filter in the chain; pods that two EnvoyFilters are for need two names. */
  readonly filterName: string;
  /** Rules in force, of all limiters for these pods. */
  readonly rules: readonly LimitedRule[];
}

/** Name of Envoy's local rate limit filter, as Slime and Istio's documents have it. */
export const LOCAL_LIMIT_NAME = "envoy.filters.http.local_ratelimit";

/** Rules at one place, those of a wider place among them. */
interface PlacedRules {
  readonly place: LimitPlace;
  /** Of the place itself. */
  readonly own: readonly LimitedRule[];
  /** All that count calls there. */
  readonly all: readonly LimitedRule[];
}

/**
 * The EnvoyFilter of the limits of some pods: one filter for each direction of calls, and for each
 * place one configuration with all its rules.
 *
 * The wider place comes first. Istio appends what a route says of a call, so each place adds its
 * own; of a filter's configuration for a route the last one counts, so that has the rules of wider
 * places once more.
 */
export function renderLimits({ metadata, labels, filterName, rules }: LimitsInput): EnvoyFilter | undefined {
  const placed = placedRules(rules);
  if (placed.length === 0) return undefined;
  const contexts = [...new Set(placed.map(({ place }) => place.context))];
  const patches = contexts.flatMap((context) =>
    contextPatches(
      placed.filter(({ place }) => place.context === context),
      context,
      filterName,
    ),
  );
  return { apiVersion: "networking.istio.io/v1alpha3", kind: "EnvoyFilter", metadata, spec: filterSpec("limit", labels, patches) };
}

function contextPatches(placed: readonly PlacedRules[], context: LimitPlace["context"], filterName: string): readonly ConfigPatch[] {
  const hosts = placed.filter(({ place }) => place.applyTo === "VIRTUAL_HOST");
  const routes = placed.filter(({ place }) => place.applyTo === "HTTP_ROUTE");
  // A route's own configuration of a filter hides its virtual host's. With a filter of its own for
  // each, both count.
  const hostFilter = routes.length > 0 ? `${filterName}.host` : filterName;
  const filters = [...(routes.length > 0 ? [filterName] : []), ...(hosts.length > 0 ? [hostFilter] : [])];
  return [
    ...routes.flatMap((each) => routePatches(each, filterName)),
    ...hosts.map(({ place, all }) => mergedInto({ ...place }, perFilter(hostFilter, { ...localLimit(all), rate_limits: rateLimits(all) }))),
    ...httpFilterPatches(filters.map(limitFilter), { context }),
  ];
}

function routePatches({ place, own, all }: PlacedRules, filterName: string): readonly ConfigPatch[] {
  const said = rateLimits(own);
  return [
    ...(said.length === 0 ? [] : [mergedInto({ ...place }, { route: { rate_limits: said } })]),
    mergedInto({ ...place }, perFilter(filterName, localLimit(all))),
  ];
}

function perFilter(name: string, config: { readonly [field: string]: EnvoyValue }) {
  return { typed_per_filter_config: { [name]: config } };
}

function limitFilter(name: string): HttpFilter {
  return { name, phase: "limit", config: LOCAL_LIMIT_FILTER };
}

/** From the widest place to the narrowest. */
function placedRules(rules: readonly LimitedRule[]): readonly PlacedRules[] {
  const places = new Map<string, { readonly place: LimitPlace; readonly own: Set<LimitedRule> }>();
  for (const each of rules)
    for (const place of each.rule.places) {
      const known = places.get(placeText(place)) ?? { place, own: new Set() };
      known.own.add(each);
      places.set(placeText(place), known);
    }
  const placed = [...places.values()].map(({ place, own }) => {
    const wide = places.get(widePlaceText(place))?.own;
    return { place, own: [...own], all: rules.filter((each) => own.has(each) || wide?.has(each)) };
  });
  const isWide = ({ place }: PlacedRules) => place.virtualHost === undefined;
  return [...placed.filter(isWide), ...placed.filter((each) => !isWide(each))];
}
