/** What the `general` of each Slime module holds, and what becomes of it here. */

/** Fields by name: where each stands in our configuration, or why it changes nothing here. */
type Fields = Readonly<Record<string, { readonly to: string } | string>>;

/** The modules of Slime that have kinds of their own, by their `kind`. */
export type SlimeModule = "lazyload" | "limiter" | "plugin";

const PORTS = "the ports of the fallback's Service follow the mesh by themselves";
const NO_COUNTERPART = "no counterpart";
const DEAD = "it had no effect in Slime";
const NO_GLOBAL_LIMITS = "rules with `strategy: global` are refused: there is no rate limit service yet";
const ONE_FILTER = "the filter is inserted where a rule needs it, once";
const NO_PLUGINS = "Fenceline renders neither PluginManager nor EnvoyPlugin";

/** Source: `fence_module.proto` of Slime's lazyload. */
export const LAZYLOAD: Fields = {
  clusterGsNamespace: { to: "namespace" },
  dispatches: { to: "fallback.dispatches" },
  passthroughByDefault: { to: "fallback.dispatches" },
  autoFence: { to: "automaticFences.create" },
  defaultFence: { to: "automaticFences.create" },
  stableHost: { to: "stableHosts" },
  domainAliases: { to: "domainAliases" },
  managementSelectors: { to: "automaticFences.namespaces.selectors" },
  blackNamespaceList: { to: "automaticFences.namespaces.deny" },
  whiteNamespaceList: { to: "automaticFences.namespaces.allow" },
  wormholePort: PORTS,
  autoPort: PORTS,
  cleanupWormholePort: PORTS,
  supportH2: "HTTP/2 is always forwarded as such",
  namespace: "there is one global sidecar for all namespaces",
  globalSidecarMode: "there is one global sidecar for all namespaces",
  metricSourceType: "edges are learned from access logs, and from Prometheus too where metric.prometheus names one",
  addEnvHeaderViaLua: "the source namespace needs no Lua",
  disableIpv4Passthrough: DEAD,
  render: "it is internal to Slime",
  fenceLabelKeyAlias: { to: "automaticFences.podLabel" },
  enableShortDomain: "short names reach the same Service",
  proxyVersion: NO_COUNTERPART,
};

/** Source: `limiter_module.proto` of Slime's limiter. */
const LIMITER: Fields = {
  disableGlobalRateLimit: NO_GLOBAL_LIMITS,
  disableAdaptive: "a rule is adaptive if its expressions are",
  disableInsertLocalRateLimit: ONE_FILTER,
  disableInsertGlobalRateLimit: NO_GLOBAL_LIMITS,
  rls: NO_GLOBAL_LIMITS,
  rlsConfigMap: NO_GLOBAL_LIMITS,
  domain: NO_GLOBAL_LIMITS,
  proxyVersion: NO_COUNTERPART,
  enableRatelimitPlaceholderInRoute: NO_GLOBAL_LIMITS,
  backend: DEAD,
  refresh: DEAD,
  enableServiceEntry: DEAD,
};

/** Source: `plugin_module.proto` of Slime's plugin. */
const PLUGIN: Fields = {
  configDiscoveryDefaultConfig: NO_PLUGINS,
  proxyVersion: NO_PLUGINS,
};

/** Where two modules are as likely, the first one counts. */
const FIELDS: Readonly<Record<SlimeModule, Fields>> = { lazyload: LAZYLOAD, limiter: LIMITER, plugin: PLUGIN };
const MODULES = Object.keys(FIELDS) as readonly SlimeModule[];
/** Fields that a configuration of ours has, too, tell nothing of whose a document is. */
const OURS_TOO: ReadonlySet<string> = new Set(["namespace"]);

/** The module of this name; undefined when it is none that has kinds. */
export function slimeModule(name: unknown): SlimeModule | undefined {
  return MODULES.find((module) => module === name);
}

/**
 * The module whose `general` has these fields: the one that knows most of them. Undefined when no
 * field is one of a module's alone.
 */
export function moduleOfFields(names: readonly string[]): SlimeModule | undefined {
  const theirs = names.filter((name) => !OURS_TOO.has(name));
  const known = MODULES.map((module) => ({ module, count: theirs.filter((name) => Object.hasOwn(FIELDS[module], name)).length }));
  const most = Math.max(...known.map(({ count }) => count));
  return most === 0 ? undefined : known.find(({ count }) => count === most)?.module;
}

/** What a field of a module's `general` does not do here, and why; undefined when it counts. */
export function withoutEffect(module: SlimeModule, name: string): string | undefined {
  const fields = FIELDS[module];
  if (!Object.hasOwn(fields, name)) return `no field of Slime's ${module}`;
  const field = fields[name];
  return typeof field === "string" ? field : undefined;
}
