import type { FieldPath } from "./field-path.ts";
import { isJsonObject, type JsonObject } from "./json-object.ts";
import { moduleOfFields, type SlimeModule, slimeModule, withoutEffect } from "./slime-modules.ts";

/** A module of Slime's, in the words of our configuration. */
export interface SlimeGeneral {
  /** Not validated yet. */
  readonly config: unknown;
  /** What was set and has no effect here, and why. */
  readonly remarks: readonly string[];
  /** Where a field of `config` stands in the document. */
  readonly pathOf: (field: FieldPath) => FieldPath;
}

/**
 * Reads the `general` of a Slime module, or the module with it. Undefined when the value is none:
 * no field of it is one of Slime's alone.
 *
 * Which module it is a whole one says by its `kind`, else by its name, as in Slime; a `general`
 * alone by its fields. Slime takes no notice of fields that it does not know, and so are they told
 * here, not refused.
 */
export function slimeGeneral(value: unknown): SlimeGeneral | undefined {
  if (!isJsonObject(value)) return undefined;
  const isModule = isJsonObject(value.general);
  const general = isModule ? (value.general as JsonObject) : value;
  const byFields = moduleOfFields(Object.keys(general));
  if (!isModule && byFields === undefined) return undefined;
  const named = isModule ? (slimeModule(value.kind) ?? slimeModule(value.name)) : undefined;
  const module = named ?? byFields ?? "lazyload";
  const above = isModule ? ["general"] : [];
  return {
    config: { ...(module === "lazyload" && configOf(general)), ...(isModule && besideGeneral(module, value)) },
    remarks: remarksOf(module, general),
    pathOf: (field) => placeBeside(field) ?? [...above, ...placeOf(field)],
  };
}

/** What stands beside the `general` of a module. */
function besideGeneral(module: SlimeModule, value: JsonObject): JsonObject {
  if (module === "plugin") return {};
  return module === "limiter" ? valuesOf(value) : { ...revisionsOf(value), ...metricsOf(value) };
}

/** Of a `general` of kind lazyload: that of no other module has anything that counts here. */
function configOf(general: JsonObject): JsonObject {
  const { clusterGsNamespace, autoFence, defaultFence, stableHost, domainAliases } = general;
  const dispatches = dispatchesOf(general);
  const create = autoFence === true ? (defaultFence === true ? "All" : "Labelled") : "Off";
  return {
    ...(isGiven(clusterGsNamespace) && { namespace: clusterGsNamespace }),
    ...(isGiven(dispatches) && { fallback: { dispatches } }),
    ...(isGiven(stableHost) && { stableHosts: stableHost }),
    ...(isGiven(domainAliases) && { domainAliases }),
    automaticFences: { create, namespaces: scopeOf(general), ...podLabelOf(general) },
  };
}

/** Where Slime's field stands under ours. */
const SCOPE = { deny: "blackNamespaceList", allow: "whiteNamespaceList", selectors: "managementSelectors" } as const;

function scopeOf({ blackNamespaceList, whiteNamespaceList, managementSelectors }: JsonObject): JsonObject {
  return {
    ...(isGiven(blackNamespaceList) && { deny: namesIn(blackNamespaceList) }),
    ...(isGiven(whiteNamespaceList) && { allow: namesIn(whiteNamespaceList) }),
    ...(isGiven(managementSelectors) && { selectors: managementSelectors }),
  };
}

/** The alias stands behind the first colon; `app` where there is none. */
function podLabelOf({ fenceLabelKeyAlias: text }: JsonObject): JsonObject {
  if (!isGiven(text) || text === "") return {};
  if (typeof text !== "string") return { podLabel: text };
  const [key, ...alias] = text.split(":");
  return { podLabel: { key, ...(alias.join(":") !== "" && { alias: alias.join(":") }) } };
}

/** A text with commas. Slime takes blanks for part of a namespace's name. */
export function namesIn(list: unknown): unknown {
  if (typeof list !== "string") return list;
  const names = list.split(",").map((name) => name.trim());
  return names.filter((name) => name !== "");
}

/** Slime's field under ours; both stand in the `global` beside a module's `general`. */
const REVISIONS = { names: "istioRev", strict: "strictRev", own: "selfResourceRev" } as const;

function revisionsOf({ global }: JsonObject): JsonObject {
  if (!isJsonObject(global)) return {};
  const { istioRev, strictRev, selfResourceRev } = global;
  return {
    revisions: {
      ...(isGiven(istioRev) && { names: namesIn(istioRev) }),
      ...(isGiven(strictRev) && { strict: strictRev }),
      ...(isGiven(selfResourceRev) && selfResourceRev !== "" && { own: selfResourceRev }),
    },
  };
}

/** Prometheus stands beside the `general` of a module. */
function metricsOf({ metric }: JsonObject): JsonObject {
  const prometheus = isJsonObject(metric) ? metric.prometheus : undefined;
  if (!isJsonObject(prometheus)) return {};
  const { address, handlers } = prometheus;
  return {
    telemetry: { prometheus: { ...(isGiven(address) && { servers: [{ url: address }] }), ...(isGiven(handlers) && { handlers }) } },
  };
}

/** A limiter's handlers are values of its rules. Slime takes no notice of an empty query. */
function valuesOf({ metric }: JsonObject): JsonObject {
  const prometheus = isJsonObject(metric) ? metric.prometheus : undefined;
  if (!isJsonObject(prometheus)) return {};
  const { address, handlers } = prometheus;
  const asked = isJsonObject(handlers)
    ? Object.fromEntries(Object.entries(handlers).filter(([, handler]) => !isJsonObject(handler) || handler.query !== ""))
    : handlers;
  return {
    ...(isGiven(address) && { telemetry: { prometheus: { servers: [{ url: address }] } } }),
    ...(isGiven(asked) && { limiters: { metrics: asked } }),
  };
}

/** What Slime's `passthroughByDefault` says: what no other dispatch takes goes where it would. */
const PASSTHROUGH = { name: "passthrough-by-default", domains: ["*"], cluster: "PassthroughCluster" };

/** Slime takes dispatches without a name; a route of Envoy is found in its logs by one. */
function dispatchesOf({ dispatches, passthroughByDefault }: JsonObject): unknown {
  const last = passthroughByDefault === true ? [PASSTHROUGH] : [];
  if (!Array.isArray(dispatches)) return isGiven(dispatches) || last.length === 0 ? dispatches : last;
  return [...namedDispatches(dispatches), ...last];
}

function namedDispatches(dispatches: readonly unknown[]): readonly unknown[] {
  return dispatches.map((dispatch: unknown, index) => (isJsonObject(dispatch) ? { name: `dispatch-${index}`, ...dispatch } : dispatch));
}

function remarksOf(module: SlimeModule, general: JsonObject): readonly string[] {
  return Object.keys(general).flatMap((name) => {
    const reason = isGiven(general[name]) ? withoutEffect(module, name) : undefined;
    return reason === undefined ? [] : [`general.${name} has no effect: ${reason}`];
  });
}

function placeOf([first, ...rest]: FieldPath): FieldPath {
  if (first === "fallback") return rest;
  if (first === "stableHosts") return ["stableHost", ...rest];
  if (first === "domainAliases") return [first, ...rest];
  if (first === "automaticFences") return placeOfScope(rest);
  return first === "namespace" ? ["clusterGsNamespace", ...rest] : [];
}

/** Of `automaticFences.namespaces`, whose lists of names are one text each, and of `podLabel`. */
function placeOfScope([first, field, ...rest]: FieldPath): FieldPath {
  if (first === "podLabel") return ["fenceLabelKeyAlias"];
  if (field === "selectors") return [SCOPE.selectors, ...rest];
  return field === "allow" || field === "deny" ? [SCOPE[field]] : [];
}

/** Of what stands beside the `general`. */
function placeBeside([first, ...rest]: FieldPath): FieldPath | undefined {
  if (first === "telemetry") return placeOfMetric([first, ...rest]);
  const [field, ...below] = rest;
  if (first === "limiters") return field === "metrics" ? [...METRICS, "handlers", ...below] : METRICS;
  if (first !== "revisions") return undefined;
  return field === "names" || field === "strict" || field === "own" ? ["global", REVISIONS[field]] : ["global"];
}

const METRICS: FieldPath = ["metric", "prometheus"];

/** Of `telemetry.prometheus`: its one server is the `address`. */
function placeOfMetric([, , field, ...rest]: FieldPath): FieldPath {
  if (field === "servers") return [...METRICS, "address"];
  return field === undefined ? METRICS : [...METRICS, field, ...rest];
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}
