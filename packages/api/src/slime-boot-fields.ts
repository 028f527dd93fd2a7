/** Fields of Slime's SlimeBoot, and what each becomes in the values of our chart. */
import { namesIn } from "./slime-general.ts";

/** A field that becomes one or several of ours, or the reason why it does not. */
export type SlimeBootField = { readonly to: string; readonly value?: (given: unknown) => unknown } | { readonly withoutEffect: string };

const MEASURED = "it was measured for Slime's processes; the chart's defaults are for ours";
const OWN_IMAGE = "the image is Fenceline's own: set image.repository";
const RESTRICTED = "our pods keep to the restricted standard; to change that, set the same field of collector or globalSidecar";
const OWN_COMMAND = "it was for Slime's command; ours takes collector.extraArgs and collector.extraEnv";
const NO_BUNDLE = "one collector runs every kind";
const ONE_STORE = "objects are read from the API server that the collector runs in";
const PORTS_FIXED = "ports of the collector are fixed; see ARCHITECTURE.md";
const OWN_LOG = "logs are JSON lines on the standard output";

const withoutEffect = (reason: string): SlimeBootField => ({ withoutEffect: reason });
const to = (field: string, value?: (given: unknown) => unknown): SlimeBootField => ({ to: field, ...(value && { value }) });

/** Levels of Slime's logger by ours; what is finer than debug counts as it. */
const LEVELS: Readonly<Record<string, string>> = {
  ...{ trace: "debug", debug: "debug", info: "info", warn: "warn", warning: "warn" },
  ...{ error: "error", fatal: "error", panic: "error" },
};

/** Labels that ask for Istio's proxy: the chart has them already, by `istio.revision`. */
const INJECTION: ReadonlySet<string> = new Set(["sidecar.istio.io/inject", "istio.io/rev", "istio-injection"]);

function withoutInjection(labels: unknown): unknown {
  if (typeof labels !== "object" || labels === null) return labels;
  return Object.fromEntries(Object.entries(labels).filter(([key]) => !INJECTION.has(key)));
}

/** Of `spec`. Source: the `SlimeBootSpec` of Slime. A path ends where its value is taken whole. */
export const SLIME_BOOT_FIELDS: Readonly<Record<string, SlimeBootField>> = {
  namespace: withoutEffect("Fenceline is installed where `helm install --namespace` says"),
  istioNamespace: to("config.istioNamespace"),
  image: withoutEffect(OWN_IMAGE),
  imagePullSecrets: to("image.pullSecrets"),
  replicaCount: to("collector.replicas"),
  service: withoutEffect(PORTS_FIXED),
  resources: withoutEffect(MEASURED),
  nodeSelector: to("collector.nodeSelector"),
  tolerations: to("collector.tolerations"),
  affinity: to("collector.affinity"),
  podSecurityContext: withoutEffect(RESTRICTED),
  containerSecurityContext: withoutEffect(RESTRICTED),
  volumes: withoutEffect("they held files of Slime's; for others there is collector.extraVolumes"),
  volumeMounts: withoutEffect("they held files of Slime's; for others there is collector.extraVolumeMounts"),
  serviceAccount: withoutEffect("the chart makes one for each part"),
  args: withoutEffect(OWN_COMMAND),
  env: withoutEffect(OWN_COMMAND),
  "component.globalSidecar.enable": withoutEffect("the global sidecar is always installed: without it the first calls fail"),
  "component.globalSidecar.type": withoutEffect("there is one global sidecar for all namespaces"),
  "component.globalSidecar.port": to("config.fallback.port"),
  "component.globalSidecar.probePort": withoutEffect("probes have a port of their own, 18083"),
  "component.globalSidecar.replicas": to("globalSidecar.replicas"),
  "component.globalSidecar.image": withoutEffect(OWN_IMAGE),
  "component.globalSidecar.resources": withoutEffect(MEASURED),
  "component.globalSidecar.legacyFilterName": withoutEffect("it was for an Istio that Fenceline does not run with"),
  "component.globalSidecar.nodeSelector": to("globalSidecar.nodeSelector"),
  "component.globalSidecar.tolerations": to("globalSidecar.tolerations"),
  "component.globalSidecar.affinity": to("globalSidecar.affinity"),
  "component.globalSidecar.sidecarInject.enable": withoutEffect("the chart has its pods injected, see istio.revision"),
  "component.globalSidecar.sidecarInject.mode": withoutEffect("the chart has its pods injected, see istio.revision"),
  "component.globalSidecar.sidecarInject.labels": to("globalSidecar.podLabels", withoutInjection),
  "component.globalSidecar.sidecarInject.annotations": to("globalSidecar.podAnnotations"),
  "component.reportServer": withoutEffect("edges come from access logs, and from Prometheus"),
};

/** Of `module[].global`. Source: the `Global` of Slime's framework. */
export const SLIME_GLOBAL_FIELDS: Readonly<Record<string, SlimeBootField>> = {
  service: to("config.workloadLabel"),
  multicluster: withoutEffect("Services of this cluster alone are known"),
  istioNamespace: to("config.istioNamespace"),
  slimeNamespace: withoutEffect("Fenceline is installed where `helm install --namespace` says"),
  istioRev: to("config.revisions.names", namesIn),
  strictRev: to("config.revisions.strict"),
  // An empty one says nothing, as an empty map does.
  selfResourceRev: to("config.revisions.own", (revision) => (revision === "" ? {} : revision)),
  configRev: withoutEffect(ONE_STORE),
  deployRev: withoutEffect("the revision that injects our pods is istio.revision"),
  masterUrl: withoutEffect(ONE_STORE),
  clientGoTokenBucket: withoutEffect("writes have a budget of their own, see docs/adr/0024-a-change-costs-what-it-changes.md"),
  configSources: withoutEffect(ONE_STORE),
  istioConfigSource: withoutEffect(ONE_STORE),
  enableConvertSeToIstioRes: withoutEffect(ONE_STORE),
  "log.logLevel": to("log.level", (level) => LEVELS[String(level).toLowerCase()] ?? level),
  "log.klogLevel": withoutEffect(OWN_LOG),
  "log.ilogLevel": withoutEffect(OWN_LOG),
  "log.logRotate": withoutEffect(OWN_LOG),
  "log.logRotateConfig": withoutEffect(OWN_LOG),
  "log.enableQuote": withoutEffect(OWN_LOG),
  "misc.metrics-addr": withoutEffect(PORTS_FIXED),
  "misc.aux-addr": withoutEffect(PORTS_FIXED),
  "misc.logSourcePort": withoutEffect(PORTS_FIXED),
  "misc.enableLeaderElection": withoutEffect("replicas always elect a leader"),
  "misc.seLabelSelectorKeys": to("config.limiters.serviceEntryLabels", namesIn),
  "misc.xdsSourceEnableIncPush": withoutEffect(ONE_STORE),
  "misc.pathRedirect": withoutEffect(PORTS_FIXED),
  "misc.globalSidecarMode": withoutEffect("there is one global sidecar for all namespaces"),
  "misc.global-sidecar-mode": withoutEffect("there is one global sidecar for all namespaces"),
  "misc.metricSourceType": withoutEffect("edges come from access logs, and from Prometheus where metric.prometheus names one"),
  "misc.metric_source_type": withoutEffect("edges come from access logs, and from Prometheus where metric.prometheus names one"),
  "misc.addEnvHeaderViaLua": withoutEffect("the source namespace needs no Lua"),
};

/** Of `module[]` itself; `general` and `metric` are read as a configuration. */
export const SLIME_MODULE_FIELDS: Readonly<Record<string, SlimeBootField>> = {
  mode: withoutEffect(NO_BUNDLE),
  bundle: withoutEffect(NO_BUNDLE),
};
