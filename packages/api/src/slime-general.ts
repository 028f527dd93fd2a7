import type { FieldPath } from "./field-path.ts";

/** A module of Slime's, in the words of our configuration. */
export interface SlimeGeneral {
  /** Not validated yet. */
  readonly config: unknown;
  /** What was set and has no effect here, and why. */
  readonly remarks: readonly string[];
  /** Where a field of `config` stands in the document. */
  readonly pathOf: (field: FieldPath) => FieldPath;
}

const PORTS = "the ports of the fallback's Service follow the mesh by themselves";
const NO_COUNTERPART = "no counterpart";

/**
 * Fields of `general` that change nothing here, and why. Those with a counterpart are in
 * {@link slimeGeneral}. Source: Slime's `fence_module.proto`.
 */
const WITHOUT_EFFECT: Readonly<Record<string, string>> = {
  wormholePort: PORTS,
  autoPort: PORTS,
  cleanupWormholePort: PORTS,
  supportH2: "HTTP/2 is always forwarded as such",
  namespace: "there is one global sidecar for all namespaces",
  globalSidecarMode: "there is one global sidecar for all namespaces",
  metricSourceType: "edges are learned from access logs",
  addEnvHeaderViaLua: "the source namespace needs no Lua",
  disableIpv4Passthrough: "it had no effect in Slime",
  render: "it is internal to Slime",
  fenceLabelKeyAlias: NO_COUNTERPART,
  managementSelectors: NO_COUNTERPART,
  blackNamespaceList: NO_COUNTERPART,
  whiteNamespaceList: NO_COUNTERPART,
  domainAliases: NO_COUNTERPART,
  enableShortDomain: "short names reach the same Service",
  stableHost: `${NO_COUNTERPART}: name the hosts in each fence's spec.host`,
  passthroughByDefault: `${NO_COUNTERPART}: see external.mode`,
  proxyVersion: NO_COUNTERPART,
};

const WITH_COUNTERPART = ["clusterGsNamespace", "dispatches", "autoFence", "defaultFence"];
/** `namespace` is a field of ours, too. */
const THEIRS_ALONE: ReadonlySet<string> = new Set(
  [...Object.keys(WITHOUT_EFFECT), ...WITH_COUNTERPART].filter((name) => name !== "namespace"),
);

/**
 * Reads the `general` of a Slime module of kind lazyload, or the module with it. Undefined when the
 * value is none: no field of it is one of Slime's alone.
 *
 * Slime takes no notice of fields that it does not know, and so are they told here, not refused.
 */
export function slimeGeneral(value: unknown): SlimeGeneral | undefined {
  if (!isRecord(value)) return undefined;
  const isModule = isRecord(value.general);
  const general = isModule ? (value.general as Readonly<Record<string, unknown>>) : value;
  if (!isModule && !Object.keys(general).some((name) => THEIRS_ALONE.has(name))) return undefined;
  const { clusterGsNamespace, dispatches, autoFence, defaultFence } = general;
  const config = {
    ...(isGiven(clusterGsNamespace) && { namespace: clusterGsNamespace }),
    ...(isGiven(dispatches) && { fallback: { dispatches: named(dispatches) } }),
    automaticFences: { create: autoFence === true ? (defaultFence === true ? "All" : "Labelled") : "Off" },
  };
  const above = isModule ? ["general"] : [];
  return { config, remarks: remarksOf(general), pathOf: (field) => [...above, ...placeOf(field)] };
}

/** Slime takes dispatches without a name; a route of Envoy is found in its logs by one. */
function named(dispatches: unknown): unknown {
  if (!Array.isArray(dispatches)) return dispatches;
  return dispatches.map((dispatch: unknown, index) => (isRecord(dispatch) ? { name: `dispatch-${index}`, ...dispatch } : dispatch));
}

function remarksOf(general: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.keys(general)
    .filter((name) => !WITH_COUNTERPART.includes(name) && isGiven(general[name]))
    .map((name) => `general.${name} has no effect: ${WITHOUT_EFFECT[name] ?? "no field of Slime's lazyload"}`);
}

function placeOf([first, ...rest]: FieldPath): FieldPath {
  if (first === "fallback") return rest;
  return first === "namespace" ? ["clusterGsNamespace", ...rest] : [];
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
